import type { JobRequest } from './batches.js';
import type {
  AnnotateRequest,
  CandidatesRequest,
  FeedbackRequest,
  MentionsRequest,
} from './requests.js';

interface Example<T> {
  readonly summary: string;
  readonly value: T;
}

type Examples<T> = Readonly<Record<string, Example<Partial<T>>>>;

const PLANET =
  'Mercury is the planet nearest the Sun, and the liquid metal in old thermometers is mercury too.';
const DOCUMENTS = [
  { id: 'a', text: 'Java is a language that runs on a virtual machine.' },
  {
    id: 'b',
    text: 'Coffee from Java was shipped all over the world.',
    mentions: [{ start: 12, end: 16 }],
  },
];

const annotate: Examples<AnnotateRequest> = {
  text: { summary: 'One text, mentions found in it', value: { text: PLANET } },
  mentions: {
    summary: 'Given mentions and the three best candidates of each',
    value: {
      text: PLANET,
      mentions: [{ start: 0, end: 7 }],
      kb: 'demo',
      options: { rerank: 'full', offsetUnit: 'utf16', candidates: 3, priors: true, strict: false },
    },
  },
  documents: {
    summary: 'Several texts, answered in their order',
    value: { documents: DOCUMENTS, kb: 'demo' },
  },
  codepoints: {
    summary: 'Offsets in code points, as Python counts; nothing below a confidence of one half',
    value: {
      text: '🪐 Mercury has no moon.',
      options: {
        rerank: 'adaptive',
        offsetUnit: 'codepoint',
        candidates: false,
        minConfidence: 0.5,
        priors: true,
        strict: false,
      },
    },
  },
};

const mentions: Examples<MentionsRequest> = {
  text: { summary: 'Names in a text', value: { text: PLANET, kb: 'demo' } },
};

const candidates: Examples<CandidatesRequest> = {
  given: {
    summary: 'The five best of a given mention',
    value: {
      text: PLANET,
      mentions: [{ start: 0, end: 7 }],
      kb: 'demo',
      options: { offsetUnit: 'utf16', limit: 5 },
    },
  },
};

const feedback: Examples<FeedbackRequest> = {
  correction: {
    summary: 'In this text the first word means the planet',
    value: {
      text: PLANET,
      mentions: [{ start: 0, end: 7, entityId: 'mercury-planet' }],
      kb: 'demo',
      id: 'ticket-17',
    },
  },
};

const jobs: Examples<JobRequest> = {
  documents: {
    summary: 'Several texts; many more are better sent as JSON Lines',
    value: { documents: DOCUMENTS, kb: 'demo' },
  },
};

/** Request bodies shown at /docs. A test posts each to a real server. */
export const EXAMPLES = { annotate, mentions, candidates, feedback, jobs } as const;
