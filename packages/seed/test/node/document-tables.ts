/** The tables of the operating guide as they have to be, from the code: `node --conditions=skein-source packages/seed/test/node/document-tables.ts` writes them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Registry } from 'prom-client'
import { describeOptions, SeedMetrics } from '../../src/node/index.ts'

export const GUIDE = fileURLToPath(new URL('../../../../docs/operating-a-seed.md', import.meta.url))

export function optionsTable (): string {
  return table(['flag', 'environment', 'key', 'what', 'takes', 'default'], describeOptions().map(option => [
    `\`${option.flag}\``, `\`${option.environment}\``, `\`${option.name}\``, option.help, option.expects, option.default
  ]))
}

export async function metricsTable (): Promise<string> {
  const registry = new Registry()
  void new SeedMetrics({
    counters: () => ({ requests: 0, registered: 0, refused: {} }),
    spotChecks: () => ({ found_total: 0, missing_total: 0 }),
    countBy: async () => [],
    connections: () => ({ inbound: 0, outbound: 0 }),
    inbound: () => ({ admitted: 0, refused: {}, givenUp: {}, ended: {}, faults: {}, streamsReset: {} }),
    http: () => ({ admitted: 0, refused: {}, givenUp: {} }),
    devices: () => ({}),
    network: () => ({ stage: 'hub', nodes: undefined }),
    redis: () => ({ up: true, failures: {} }),
    paths: () => ({ direct: { received: 0, sent: 0 }, relayed: { received: 0, sent: 0 } }),
    maxConnections: 1,
    maxRegistrations: 1
  }, registry)
  const metrics = await registry.getMetricsAsJSON() as unknown as Array<{ name: string, type: string, help: string }>
  return table(['metric', 'type', 'labels', 'what'], metrics.filter(({ name }) => name.startsWith('skein_')).map(({ name, type, help }) => {
    const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: string[] }
    return [`\`${name}\``, type, labelNames.join(', '), help]
  }))
}

/** What stands between the two comments. */
export function section (guide: string, name: string): string {
  const match = new RegExp(`<!-- ${name}: [^\\n]*-->\\n\\n([^]*?)\\n\\n<!-- /${name} -->`).exec(guide)
  if (match == null) {
    throw new Error(`The guide has no section ${name}`)
  }
  return match[1] as string
}

export function table (head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const guide = readFileSync(GUIDE, 'utf8')
  writeFileSync(GUIDE, guide
    .replace(`\n${section(guide, 'options')}\n`, `\n${optionsTable()}\n`)
    .replace(`\n${section(guide, 'metrics')}\n`, `\n${await metricsTable()}\n`))
}
