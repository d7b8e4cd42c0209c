/** A run that failed, with all that is needed to run it again. */

export interface SimulationFailureInit {
  /** What was run */
  name: string
  seed: number
  /** Every option with the value it had, those that were not set too */
  options: Readonly<Record<string, unknown>>
  /** Of the simulator */
  version: string
  /** The line that runs it again */
  replay?: string
  /** In which part of the run, if it was divided */
  part?: number
}

export class SimulationFailure extends Error {
  static override name = 'SimulationFailure'
  override readonly name = 'SimulationFailure'
  readonly init: SimulationFailureInit

  constructor (init: SimulationFailureInit, cause: unknown) {
    super(describe(init, cause), { cause })
    this.init = init
  }
}

function describe (init: SimulationFailureInit, cause: unknown): string {
  const lines = [
    `${init.name} failed${init.part === undefined ? '' : ` in part ${init.part}`}: ${cause instanceof Error ? cause.message : String(cause)}`,
    `  seed ${init.seed}, version ${init.version}`,
    `  options ${JSON.stringify(init.options)}`
  ]
  if (init.replay !== undefined) {
    lines.push(`  again: ${init.replay}`)
  }
  return lines.join('\n')
}

/** Runs something, and lets what it throws out as a `SimulationFailure`. An abort passes as it is. */
export async function explainFailure<T> (init: SimulationFailureInit, run: () => Promise<T> | T): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof SimulationFailure || (error as Error | undefined)?.name === 'AbortError') {
      throw error
    }
    throw new SimulationFailure(init, error)
  }
}
