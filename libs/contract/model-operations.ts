import type { Operation, Parameter } from './operation.js';
import type { ProblemCode } from './problem.js';

const kbInPath: Parameter = {
  name: 'kb',
  in: 'path',
  description: 'Name of the knowledge base.',
  required: true,
  example: 'demo',
  schema: { type: 'string' },
};

const REEMBED_PROBLEMS: readonly ProblemCode[] = ['invalid-input', 'kb-not-found', 'busy'];
/** A KB under another model, and the models there are. */
export const MODEL_OPERATIONS: readonly Operation[] = [
  {
    method: 'POST',
    path: '/v1/kbs/{kb}/reembed',
    id: 'reembed',
    tag: 'knowledge bases',
    summary: 'Embed a knowledge base under another model, and search it with that model then.',
    description:
      'Goes on in the background, over restarts, and while requests run: entities get vectors of the new model beside ' +
      'the old ones, an index is built and checked, and index and model are changed together in every process. Asked ' +
      'again for the same model, one that stopped goes on. `busy` while another model is under way.',
    parameters: [kbInPath],
    request: 'ReembedRequest',
    status: 202,
    answer: 'KbModels',
    problems: [...REEMBED_PROBLEMS, 'malformed-json', 'unsupported-media-type', 'too-large'],
  },
  {
    method: 'GET',
    path: '/v1/kbs/{kb}/reembed',
    id: 'reembedState',
    tag: 'knowledge bases',
    summary: 'Which model a knowledge base is searched with, and how far the next one is.',
    parameters: [kbInPath],
    answer: 'KbModels',
    problems: ['kb-not-found'],
  },
  {
    method: 'DELETE',
    path: '/v1/kbs/{kb}/reembed',
    id: 'cancelReembed',
    tag: 'knowledge bases',
    summary: 'Cancel what is under way, or forget what has stopped.',
    description:
      'Vectors that were made stay until the next change of model, so that the same can be taken up again.',
    parameters: [kbInPath],
    answer: 'KbModels',
    problems: ['kb-not-found'],
  },
  {
    method: 'POST',
    path: '/v1/kbs/{kb}/rollback',
    id: 'rollback',
    tag: 'knowledge bases',
    summary: 'Search a knowledge base with the model before again.',
    description:
      'Its vectors are still there: only entities that were written since are embedded. It is a re-embedding like any ' +
      'other, and the model that was active is the one before then.',
    parameters: [kbInPath],
    status: 202,
    answer: 'KbModels',
    problems: REEMBED_PROBLEMS,
  },
  {
    method: 'GET',
    path: '/v1/models',
    id: 'listModels',
    tag: 'service',
    summary: 'The models that the server has, and which knowledge bases are searched with them.',
    answer: 'ModelsResponse',
    problems: [],
  },
];
