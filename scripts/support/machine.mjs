import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** Instructions that decide how fast int8 and f32 products are. */
const FLAGS = {
  avx2: 'AVX2',
  avx512f: 'AVX-512',
  avx_vnni: 'AVX-VNNI',
  avx512_vnni: 'AVX512-VNNI',
};

/** One line: what speed depends on. */
export function machine() {
  const { model = 'unknown processor' } = cpus()[0] ?? {};
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    `${availableParallelism()} cores (${model.trim()}; ${instructions()})`,
    memory,
    `${process.platform} ${process.arch}`,
    `Node ${process.versions.node}`,
  ].join(', ');
}

function instructions() {
  try {
    const { 1: text = '' } = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? [];
    const has = new Set(text.split(' '));
    const found = Object.keys(FLAGS).filter((flag) => has.has(flag));
    const missing = has.has('avx512_vnni') ? '' : ', no AVX512-VNNI';
    return `${found.map((flag) => FLAGS[flag]).join(', ') || 'no AVX2'}${missing}`;
  } catch {
    return 'instructions not known';
  }
}
