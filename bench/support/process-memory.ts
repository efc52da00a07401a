import { readFile } from 'node:fs/promises';

/** Fields of proc(5)'s status in megabytes (10^6 bytes); null but on Linux, and for a process that is no more. */
export async function processMemory(
  pid: number | undefined,
): Promise<((field: 'VmRSS' | 'VmHWM' | 'RssFile' | 'RssAnon') => number) | null> {
  try {
    const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8');
    return (field) => {
      const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'mu').exec(status)?.[1];
      return (Number(kibibytes) * 1_024) / 1e6;
    };
  } catch {
    return null;
  }
}
