/**
 * The allowed directions of imports: from a package to the packages below it, and inside a package from a stage to the
 * stages below it. Specs and folders named `testing` may import from all packages and stages. Nobody imports a file of
 * another package: only what its `exports` name.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

type Stages = readonly (readonly string[])[];

/** What the sources of each package may import. */
const PACKAGES_BELOW: Readonly<Record<string, readonly string[]>> = {
  bench: ['core', 'devdb', 'protostore', 'realization', 'subscription'],
  cli: ['console', 'core', 'devdb', 'realization', 'subscription', 'telemetry'],
  console: ['core', 'realization', 'subscription', 'telemetry'],
  core: [],
  devdb: [],
  protostore: ['core'],
  realization: ['core', 'subscription'],
  subscription: ['core'],
  telemetry: ['core', 'realization', 'subscription'],
  torture: ['console', 'core', 'devdb', 'protostore', 'realization', 'subscription'],
};

/**
 * The stages of a package, from the top down: folders of `src`, and single files. What is not listed is above all
 * stages. A package without stages is one stage.
 */
const STAGES: Readonly<Record<string, Stages>> = {
  cli: [
    ['program.ts', 'run/run.ts'],
    ['commands'],
    ['completion', 'doctor', 'http', 'resource'],
    ['config', 'database', 'output', 'run'],
  ],
  console: [
    ['api'],
    [
      'action',
      'caller',
      'console-options.ts',
      'console-parts.ts',
      'point',
      'resource',
      'scoped-query.ts',
      'stream',
      'summary',
    ],
    ['http'],
  ],
  core: [
    ['audit', 'data-store-api.ts', 'data-store-internals.ts'],
    ['schema', 'session'],
    ['record', 'statement', 'table'],
    ['background', 'configuration.ts', 'context', 'distribution.ts', 'error', 'exchange', 'option', 'telemetry'],
  ],
  realization: [
    ['maintenance', 'operator', 'session', 'submit'],
    ['drift', 'history', 'operation', 'point', 'rollout', 'worker'],
    ['intent', 'job', 'placement', 'resource', 'status', 'sweep'],
    ['background', 'schema'],
  ],
  subscription: [
    [
      'durable',
      'mirror',
      'option-names.ts',
      'subscriptions-internals.ts',
      'subscriptions-settings.ts',
      'subscriptions.ts',
    ],
    ['delivery'],
    ['relay', 'source'],
    ['log', 'replication'],
    ['change.ts', 'position.ts', 'service-query.ts', 'subscription.ts', 'table-name.ts'],
  ],
  // The checker does not import the code under test: it only reads histories.
  torture: [['checker'], ['history']],
};

/**
 * Returns what is wrong with an import in a file of `packages/NAME/src`; undefined if nothing is. Paths are relative to
 * the repository's root.
 */
export function importProblem(file: string, target: string): string | undefined {
  const [, name = ''] = file.split('/');
  const deep = deepImportProblem(name, file, target);
  if (deep !== undefined || /\.spec\.|\/testing\//.test(file)) return deep;
  if (target.startsWith('@intendant/')) return packageProblem(name, target);
  return target.startsWith('.') ? stageProblem(name, file, target) : undefined;
}

function deepImportProblem(name: string, file: string, target: string): string | undefined {
  const [scope, other = '', ...path] = target.split('/');
  if (scope === '@intendant' && !(['.', ...path].join('/') in exportsOf(other)))
    return `a deep import; the package ${other} exports only ${Object.keys(exportsOf(other)).join(', ')}`;
  if (!target.startsWith('.')) return undefined;
  const [, owner] = relative('.', join(dirname(file), target)).split('/');
  return owner === name ? undefined : `a deep import; import the package @intendant/${owner} instead`;
}

function exportsOf(name: string): object {
  return JSON.parse(readFileSync(join('packages', name, 'package.json'), 'utf8')).exports;
}

function packageProblem(name: string, target: string): string | undefined {
  const [, other = ''] = target.split('/');
  if (other === name || PACKAGES_BELOW[name]?.includes(other)) return undefined;
  return `the package ${name} may not import ${other} (see scripts/import-direction.ts)`;
}

function stageProblem(name: string, file: string, target: string): string | undefined {
  const stages = STAGES[name] ?? [];
  const source = join('packages', name, 'src');
  const from = relative(source, file);
  const to = relative(source, join(dirname(file), target));
  if (depthOf(to, stages) >= depthOf(from, stages)) return undefined;
  return `${to} is in a stage above ${from} (see scripts/import-direction.ts)`;
}

/** 0 is the top. */
function depthOf(path: string, stages: Stages): number {
  const [first = ''] = path.split('/');
  const stageOf = (name: string) => 1 + stages.findIndex((names) => names.includes(name));
  return stageOf(path) || stageOf(first);
}
