/** The commands of `skein`: each is loaded when it is asked for. */
import { Command, CommanderError } from 'commander'
import { GATEWAY_PORT } from './gateway-port.ts'
import { Output } from './output.ts'
import { StoppedError, StopSignal } from './stop-signal.ts'
import type { CommandContext, Run } from './command-context.ts'

interface CommandEntry {
  /** In the list of commands, and at the top of the command's own help */
  summary: string
  /** Adds arguments, options and commands of its own */
  options: () => Promise<(command: Command, run: Run) => void>
}

export const COMMANDS: Record<string, CommandEntry> = {
  up: {
    summary: 'Start a mesh on this machine (a seed, several peers, a model served by two of them, a gateway), send a chat request through ' +
      'it and print the answer; then keep it running until Ctrl-C',
    options: async () => (await import('./options/up.ts')).upOptions
  },
  seed: {
    summary: 'Run a bootstrap seed',
    options: async () => (await import('./options/seed.ts')).seedOptions
  },
  peer: {
    summary: 'Run a peer that serves models and stores offers for others',
    options: async () => (await import('./options/peer.ts')).peerOptions
  },
  gateway: {
    summary: 'Run an OpenAI-compatible HTTP endpoint for the models of the mesh',
    options: async () => (await import('./options/gateway.ts')).gatewayOptions
  },
  find: {
    summary: 'Show who serves a model, the nearest region first',
    options: async () => (await import('./options/find.ts')).findOptions
  },
  resolve: {
    summary: 'Show where a name of the mesh points, as its owner has signed it',
    options: async () => (await import('./options/resolve.ts')).resolveOptions
  },
  doctor: {
    summary: 'Find out whether and how others reach a peer of this device, why not better, and what to do about it',
    options: async () => (await import('./options/doctor.ts')).doctorOptions
  },
  ping: {
    summary: 'Measure round trips to a peer, on the path that requests to it take',
    options: async () => (await import('./options/ping.ts')).pingOptions
  },
  trace: {
    summary: 'Show each step of finding a provider of a model and reaching it, with its time: seeds, lookup, offers, ranking, dial, path',
    options: async () => (await import('./options/trace.ts')).traceOptions
  },
  measure: {
    summary: 'Measure what a peer can do: its memory by a challenge, which costs it seconds of a core, the speed of a model by asking it',
    options: async () => (await import('./options/measure.ts')).measureOptions
  },
  reputation: {
    summary: 'Look at, export and import what a peer remembers of others',
    options: async () => (await import('./options/reputation.ts')).reputationOptions
  },
  credential: {
    summary: 'Vouch for peers, so that seeds that ask for it let them in',
    options: async () => (await import('./options/credential.ts')).credentialOptions
  },
  stake: {
    summary: 'Keep a signed ledger of what is staked for peers',
    options: async () => (await import('./options/stake.ts')).stakeOptions
  },
  supernode: {
    summary: 'Volunteer this machine to carry load for others: relay, discovery, and STUN if asked, within limits',
    options: async () => (await import('./options/supernode.ts')).superNodeOptions
  },
  srtla: {
    summary: 'Send one SRT stream over several links, and put it together again (SRTLA)',
    options: async () => (await import('./options/srtla.ts')).srtlaOptions
  },
  'media-relay': {
    summary: 'Take SRT streams of publishers, over one link or several (SRTLA), and hand each to many players',
    options: async () => (await import('./options/media-relay.ts')).mediaRelayOptions
  },
  'media-watch': {
    summary: 'Play a stream of a media relay to players of this machine, from behind any NAT',
    options: async () => (await import('./options/media-relay.ts')).mediaWatchOptions
  },
  'media-ingest': {
    summary: 'Have a super-node take the stream of an encoder in, and play it to players of this machine, from behind any NAT',
    options: async () => (await import('./options/media-relay.ts')).mediaIngestOptions
  },
  fleet: {
    summary: 'Bonded relays that are always ready behind one name: run the control plane, or keep a connection to it',
    options: async () => (await import('./options/fleet.ts')).fleetOptions
  },
  simulate: {
    summary: 'Run a simulation, or a sweep of them, and write results and a report',
    options: async () => (await import('./options/simulate.ts')).simulateOptions
  }
}

/** They tell that the command was asked wrongly. By name, as their modules are loaded with their commands. */
const ASKED_WRONGLY = new Set([
  'ConfigError', 'ConfigFileError', 'FleetOptionsError', 'LinkSourceError', 'UnknownOptionError', 'OptionValueError', 'OptionTwiceError',
  'UnknownScenarioError', 'ScenarioFileError', 'TooManyRunsError', 'OutputExistsError', 'ForeignFolderError', 'ReplayFileError', 'NoScenarioError'
])

/** Runs one command; the exit status is 0 when it did what it was asked for, 1 when it failed, 2 when it was asked wrongly. */
export async function main (args: string[]): Promise<number> {
  const stop = new StopSignal()
  let output = new Output(args.includes('--json'))
  let status = 0
  const run: Run = <T, P extends unknown[]>(command: (context: CommandContext, options: T, ...rest: P) => Promise<void>) =>
    async (...parameters: unknown[]): Promise<void> => {
      const options = parameters.at(-2) as T & { json?: boolean }
      output = new Output(options.json === true)
      await command({ output, stop: stop.signal }, options, ...parameters.slice(0, -2) as P)
    }

  try {
    await (await build(args, run)).parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      status = error.exitCode === 0 ? 0 : 2
    } else {
      output.failure(error)
      status = statusOf(error)
    }
  } finally {
    stop.close()
  }
  return status
}

function statusOf (error: unknown): number {
  if (error instanceof StoppedError) {
    return error.exitStatus
  }
  return error instanceof Error && ASKED_WRONGLY.has(error.name) ? 2 : 1
}

/** All commands, and the options of the one that is asked for. */
async function build (args: string[], run: Run): Promise<Command> {
  const program = new Command('skein')
    .description('A peer-to-peer mesh in which devices serve AI models to each other')
    .version('0.1.0')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `
Examples:
  $ skein up                                     a whole mesh on this machine, and an OpenAI endpoint on port ${GATEWAY_PORT}
  $ skein seed                                   a seed that others are told to dial
  $ skein peer --seed ADDR --serve smoke         a peer that serves the built-in model
  $ skein gateway --seed ADDR                    an OpenAI endpoint for the models of the mesh
  $ skein supernode --seed ADDR --per-day 10GB   carry load for others, within limits that you set
  $ skein find skein-smoke-1 --seed ADDR         who serves a model
  $ skein doctor --seed ADDR                     whether others reach this device, and what to do when they do not
  $ skein ping PEER --seed ADDR                  round trips to a peer, and the path they take
  $ skein trace MODEL --seed ADDR                each step to a provider of a model, with its time
  $ skein measure PEER --seed ADDR               what a peer can do, measured
  $ skein credential issue PEER --key FILE       vouch for a peer at seeds that ask for it
  $ skein reputation list                        whom this peer trusts to deliver
  $ skein srtla receive --srt-host 127.0.0.1 --srt-port 4001     take streams that come over several links
  $ skein media-relay --stream live_a=play_a     hand an SRT stream to many players
  $ skein fleet connect --slot 1                 keep a bonded relay ready
  $ skein simulate --list                        simulations of the mesh at any size, and what each claims`)

  const asked = args.find(arg => Object.hasOwn(COMMANDS, arg))
  for (const [name, { summary, options }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(summary)
    if (name === asked) {
      (await options())(command, run)
    }
  }
  return program
}
