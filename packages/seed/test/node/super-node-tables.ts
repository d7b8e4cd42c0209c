/** The tables of the volunteers' guide, from the code: `node --conditions=skein-source packages/seed/test/node/super-node-tables.ts` writes them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeOptions, SUPER_NODE_TABLE, superNodeMetrics } from '../../src/node/index.ts'
import { section, table } from './document-tables.ts'

export const GUIDE = fileURLToPath(new URL('../../../../docs/operating-a-super-node.md', import.meta.url))

export function optionsTable (): string {
  return table(['flag', 'environment', 'key', 'what', 'takes', 'default'], describeOptions(SUPER_NODE_TABLE).map(option => [
    `\`${option.flag}\``, `\`${option.environment}\``, `\`${option.name}\``, option.help, option.expects, option.default
  ]))
}

export async function metricsTable (): Promise<string> {
  const nothing = (): never => { throw new Error('not asked for') }
  const registry = superNodeMetrics({ status: nothing, inbound: nothing })
  return table(['metric', 'type', 'labels', 'what'], registry.getMetricsAsArray().map(metric => metric as unknown as Described)
    .filter(({ name }) => name.startsWith('skein_supernode_'))
    .map(metric => [`\`${metric.name}\``, metric.constructor.name.toLowerCase(), metric.labelNames.join(', '), metric.help]))
}

interface Described {
  name: string
  help: string
  labelNames: string[]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const guide = readFileSync(GUIDE, 'utf8')
  const metrics = await metricsTable()
  writeFileSync(GUIDE, guide
    .replace(`\n${section(guide, 'options')}\n\n<!-- /options`, () => `\n${optionsTable()}\n\n<!-- /options`)
    .replace(`\n${section(guide, 'metrics')}\n\n<!-- /metrics`, () => `\n${metrics}\n\n<!-- /metrics`))
}
