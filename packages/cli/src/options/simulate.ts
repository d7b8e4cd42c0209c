/** The options of `skein simulate` on the command line. */
import { availableParallelism } from 'node:os'
import { InvalidArgumentError, Option } from 'commander'
import { mergeCommand, simulateCommand } from '../commands/simulate.ts'
import { json } from '../json-option.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Shard } from '@skein/simulator/run'
import type { Run } from '../command-context.ts'
import type { MergeCommandOptions, SimulateCommandOptions } from '../commands/simulate.ts'

const MAX_SHARDS = 10_000
const MAX_RUNS = 100_000
const MAX_WORKERS = 256

export function simulateOptions (command: Command, run: Run): void {
  scenarioOptions(json(command))
    .action(run(async (context, options: SimulateCommandOptions, scenario: string | undefined) => {
      if (options.help === true && scenario === undefined) {
        command.outputHelp()
      } else {
        await simulateCommand(context, options, scenario)
      }
    }))
  const merge = json(mergeOptions(command.command('merge')))
  merge.action(async folders => { await run(mergeCommand)(folders, mergeValues(merge), merge) })
}

function scenarioOptions (command: Command): Command {
  return command
    .argument('[scenario]', 'name of a scenario that ships with Skein (--list), or the path of a .ts or .js file')
    .helpOption(false)
    .option('--list', 'list the scenarios that ship with Skein, each with what it claims')
    .option('--nodes <n>', 'short for --set nodes=N; 1e6, 100K, 10M, 1B are read')
    .option('--set <name=value>', 'set an option of the scenario (repeatable)', pair, [])
    .option('--sweep <name=a,b,c>', 'run with each of these values; several sweeps make a grid (repeatable)', pair, [])
    .option('--small', 'start from the small values with which CI runs the scenario')
    .option('--seed <n>', 'the seeds of the runs are made from it', wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--runs <n>', 'runs of each point, each with a seed of its own; 10 or more give confidence intervals worth having',
      wholeNumber(1, MAX_RUNS), 1)
    .option('--workers <n>', 'threads; the results are the same with any number', wholeNumber(1, MAX_WORKERS),
      Math.min(MAX_WORKERS, availableParallelism()))
    .option('--out <folder>', 'where to write (default: ./skein-SCENARIO-… by a hash of what is run)')
    .option('--force', 'replace results that are in that folder')
    .option('--force-memory', 'run though the memory does not seem to be enough')
    .addOption(new Option('--shard <i/n>', 'run every n-th job only, from the i-th on (i from 0), for skein simulate merge').argParser(shard))
    .option('--replay <file>', 'run what a failure-….json or a manifest.json tells of, again')
    .option('-h, --help', 'show this, or with a scenario its options')
    .addHelpText('after', `
Examples:
  $ skein simulate --list
  $ skein simulate epidemic-reach --help
  $ skein simulate epidemic-reach --nodes 1e6 --seed 1 --runs 10 --out reach
  $ skein simulate epidemic-reach --sweep nodes=10K,100K,1M --sweep degree=4,8 --runs 10
  $ skein simulate ./my-scenario.ts --set loss=0.1 --json
  $ skein simulate --replay reach/failure-3.json
  $ skein simulate epidemic-reach --runs 1000 --shard 0/4 --out shard-0 && … && skein simulate merge shard-* --out reach

Ctrl-C writes what is done so far, marked as incomplete.

Exit status: 0 when all runs ended and all claims held, 1 when a run failed or a claim did not hold, 2 when it was asked wrongly, 130 after Ctrl-C.`)
}

/** `skein simulate` has options of the same names, and takes them in before `merge` sees them. */
function mergeValues (command: Command): MergeCommandOptions {
  const values = command.optsWithGlobals<Partial<MergeCommandOptions>>()
  return values.out === undefined ? command.error('error: merge needs --out FOLDER') : { ...values, out: values.out }
}

function mergeOptions (command: Command): Command {
  return command
    .argument('<folders...>', 'the folders of all shards')
    .description('Make one simulation of its shards: the same results, byte for byte, as from one machine')
    .option('--out <folder>', 'where to write (required)')
    .option('--force', 'replace results that are in that folder')
    .addHelpText('after', `
Examples:
  $ skein simulate merge shard-0 shard-1 shard-2 shard-3 --out reach
  $ skein simulate merge /shared/run-17/shard-* --out run-17`)
}

function pair (value: string, previous: Array<[string, string]>): Array<[string, string]> {
  const at = value.indexOf('=')
  if (at < 1) {
    throw new InvalidArgumentError('Expected NAME=VALUE')
  }
  return [...previous, [value.slice(0, at).trim(), value.slice(at + 1)]]
}

function shard (value: string): Shard {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(value) ?? []
  if (index === undefined || Number(of) < 1 || Number(of) > MAX_SHARDS || Number(index) >= Number(of)) {
    throw new InvalidArgumentError(`Expected i/n with n from 1 to ${MAX_SHARDS} and i from 0 to n − 1, as in 0/4`)
  }
  return { index: Number(index), of: Number(of) }
}
