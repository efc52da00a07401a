import { ReferentError } from '../../../libs/contract/errors.js';

/** What a failed `listen` means and what to do; other errors as they are. */
export function portProblem(cause: unknown, port: number): unknown {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null;
  if (code === 'EADDRINUSE') {
    const remedy = `stop the program that listens there, or take another: PORT=${port + 1} npm start`;
    return new ReferentError('busy', `Port ${port} is taken: ${remedy}.`, { cause });
  }
  if (code === 'EACCES') {
    const remedy = 'take one from 1024 up: PORT=3210 npm start';
    return new ReferentError('invalid-input', `Port ${port} may not be opened: ${remedy}.`, {
      cause,
    });
  }
  return cause;
}
