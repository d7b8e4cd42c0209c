/** The checks of the house, in the order in which `npm test` runs them. */
import type { Check } from './check.ts'
import { cycles } from './cycles.ts'
import { dependencies } from './dependencies.ts'
import { exports } from './exports.ts'
import { files } from './files.ts'
import { globals } from './globals.ts'
import { layers } from './layers.ts'
import { traces } from './traces.ts'

export const checks: Check[] = [layers, cycles, dependencies, exports, globals, files, traces]
