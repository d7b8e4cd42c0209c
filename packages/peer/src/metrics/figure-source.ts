/** The figures that one service keeps, with the help that each needs before it may be shown. */

/** One line of what a scrape shows. */
export interface MeshFigure {
  name: string
  help: string
  type: 'counter' | 'gauge'
  labels?: Record<string, string>
  value: number
}

/** A figure, whether it has a value now or not: metrics are declared before they are read. */
export interface MeshMetric {
  name: string
  help: string
  type: MeshFigure['type']
  /** Those by which its values differ */
  labels: readonly string[]
}

/** What a service counts: numbers, or numbers by reason, by scope and the like; `undefined` while there is none. */
export type Figures = Record<string, number | undefined | Readonly<Record<string, number>>>

/**
 * Of each figure its help; of numbers by something, the name of that and the help. By several things: their names, and in the keys their values, with
 * a space between them. No figure can be left out.
 */
export type HelpOf<F> = { [K in keyof F]-?: NonNullable<F[K]> extends number ? string : readonly [label: string, help: string] }

export interface FigureSource<Services> {
  readonly metrics: readonly MeshMetric[]
  /** Nothing when the service is not there */
  read: (services: Services) => MeshFigure[]
}

/** Values of one figure; who counts by something that peers choose would otherwise fill the memory of who scrapes. */
const MAX_VALUES = 64

/**
 * The figures of a service: where they are read, and what each is. Those whose name ends in `_total` only grow. One line for each service:
 *
 * `figureSource('skein_pex_', ({ pex }) => pex?.counters, { asks_total: 'Questions sent', offences_total: ['reason', 'What peers did wrong'] })`
 */
export function figureSource<Services, F extends object> (
  prefix: string, read: (services: Services) => F | undefined, help: HelpOf<F>
): FigureSource<Services> {
  const texts = Object.entries(help as Record<string, string | readonly [string, string]>)
  const metrics = new Map(texts.map(([name, text]): [string, MeshMetric] => [name, {
    name: prefix + name,
    help: typeof text === 'string' ? text : text[1],
    type: name.endsWith('_total') ? 'counter' : 'gauge',
    labels: typeof text === 'string' ? [] : text[0].split(' ')
  }]))

  return {
    metrics: [...metrics.values()],
    read: services => {
      const figures = (read(services) ?? {}) as Figures
      return [...metrics].flatMap(([key, metric]) => valuesOf(metric, figures[key]))
    }
  }
}

function valuesOf ({ name, help, type, labels }: MeshMetric, value: Figures[string]): MeshFigure[] {
  if (value === undefined) {
    return []
  }
  if (typeof value === 'number') {
    return [{ name, help, type, value }]
  }
  return Object.entries(value).slice(0, MAX_VALUES).map(([key, one]) => ({ name, help, type, labels: labelled(labels, key), value: one }))
}

function labelled ([first = '', ...others]: readonly string[], key: string): Record<string, string> {
  const values = key.split(' ')
  return others.length === 0
    ? { [first]: key }
    : Object.fromEntries([first, ...others].map((label, i) => [label, values[i] ?? '']))
}
