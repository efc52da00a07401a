/** Which library may import which: the table of ARCHITECTURE.md, as rules. */
const allowed = {
  text: ['text'],
  access: ['access', 'contract', 'kb'],
  metrics: ['metrics', 'linking', 'queue', 'contract', 'config', 'access'],
  config: ['config', 'contract'],
  contract: ['contract'],
  index: ['index', 'contract'],
  model: ['model', 'text', 'contract'],
  kb: ['kb', 'contract', 'text'],
  linking: ['linking', 'text', 'model', 'kb', 'index', 'contract'],
  evaluation: ['evaluation', 'linking', 'contract', 'kb', 'text'],
  queue: ['queue', 'contract'],
  batches: ['batches', 'queue', 'jobs', 'linking', 'kb', 'text', 'contract'],
  jobs: [
    'jobs',
    'batches',
    'queue',
    'linking',
    'kb',
    'index',
    'model',
    'text',
    'contract',
    'config',
  ],
};

const boundary = ([lib, targets]) => ({
  name: `${lib}-imports`,
  severity: 'error',
  from: { path: `^libs/${lib}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^(libs|apps)/', pathNot: `^libs/(${targets.join('|')})/` },
});

const only = (name, module, owners) => ({
  name,
  severity: 'error',
  from: { path: '^(libs|apps)/', pathNot: owners },
  to: { path: `node_modules/${module}` },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(allowed).map(boundary),
    only('nest-in-apps-and-modules', '@nestjs', '^apps/|\\.module\\.ts$'),
    only('onnx-in-model', 'onnxruntime-node', '^libs/model/'),
    only('usearch-in-one-file', 'usearch', '^libs/index/usearch-file\\.ts$'),
    only('kysely-in-kb', 'kysely', '^libs/kb/'),
    only('bullmq-in-queue', '(bullmq|ioredis)', '^libs/queue/|^apps/api/board/'),
    only('pg-in-kb', 'pg/', '^libs/kb/'),
    only('sqlite-driver-in-one-file', 'libsql', '^libs/kb/sqlite-driver\\.ts$'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};
