/** A small repository that passes every check, for the specs to spoil. */
import type { Tree } from '../../tree.ts'

export function entry (name: string): Record<string, string> {
  return { 'skein-source': `./src/${name}.ts`, types: `./dist/${name}.d.ts`, import: `./dist/${name}.js` }
}

/** Objects become JSON. */
export function tree (files: Record<string, unknown>): Tree {
  return new Map(Object.entries(files).map(([path, content]) => [path, typeof content === 'string' ? content : JSON.stringify(content)]))
}

export function house (changes: Record<string, unknown> = {}): Tree {
  return tree({
    'package.json': { devDependencies: { chai: '1' } },
    'tsconfig.json': { references: [{ path: 'packages/core' }, { path: 'packages/routing' }] },
    'packages/core/package.json': {
      name: '@skein/core',
      version: '1.0.0',
      exports: { '.': entry('index'), './system': entry('system') }
    },
    'packages/core/tsconfig.json': {},
    'packages/core/README.md': '# core',
    'packages/core/src/index.ts': "/** Core. */\nexport { clock } from './clock.ts'\nexport type { Clock } from './clock.ts'\n",
    'packages/core/src/clock.ts': '/** A clock. */\nexport interface Clock { nowMs: number }\nexport const clock = 1\n',
    'packages/core/src/system.ts': "/** The system clock. */\nimport type { Clock } from './clock.ts'\nexport const now: Clock = Date.now()\n",
    'packages/routing/package.json': {
      name: '@skein/routing',
      version: '1.0.0',
      exports: { '.': entry('index'), './libp2p': entry('libp2p/index') },
      dependencies: { '@skein/core': '1.0.0', '@libp2p/interface': '^3.0.0', libp2p: '^3.0.0' }
    },
    'packages/routing/tsconfig.json': { references: [{ path: '../core' }] },
    'packages/routing/README.md': '# routing',
    'packages/routing/src/index.ts': "/** Routing. */\nexport { lookup } from './lookup.ts'\n",
    'packages/routing/src/lookup.ts': [
      '/** A lookup. */',
      "import { clock } from '@skein/core'",
      "import type { Libp2p } from '@libp2p/interface'",
      'export const lookup = (libp2p: Libp2p) => clock'
    ].join('\n'),
    'packages/routing/src/libp2p/index.ts': "/** The driver. */\nexport { service } from './service.ts'\n",
    'packages/routing/src/libp2p/service.ts': [
      '/** The service. */',
      "import { createLibp2p } from 'libp2p'",
      "import { lookup } from '../lookup.ts'",
      'export const service = [createLibp2p, lookup]'
    ].join('\n'),
    'packages/routing/test/lookup.spec.ts': "import { expect } from 'chai'\nimport { lookup } from '../src/lookup.ts'\n",
    ...changes
  })
}
