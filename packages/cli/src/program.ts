/** The commands of `skein` and their options. */
import { Command, CommanderError, Option } from 'commander'
import { ConfigError, ConfigFileError, SEED_TABLE, SUPER_NODE_TABLE } from '@skein/seed/node'
import { OLLAMA_URL } from './local-server.ts'
import { credentialKey, issueCredential, revokeCredential, showCredential } from './commands/credential.ts'
import { doctor } from './commands/doctor.ts'
import { FleetOptionsError } from './commands/fleet.ts'
import { find } from './commands/find.ts'
import { gateway } from './commands/gateway.ts'
import { measure } from './commands/measure.ts'
import { peer } from './commands/peer.ts'
import { ping } from './commands/ping.ts'
import { exportReputation, importReputation, listReputation, showReputation } from './commands/reputation.ts'
import { resolve } from './commands/resolve.ts'
import { seed } from './commands/seed.ts'
import { addStake, showStakes } from './commands/stake.ts'
import { isAskedWrongly, mergeCommand, simulateCommand } from './commands/simulate.ts'
import { drainSuperNode, superNodeStatus } from './commands/supernode-control.ts'
import { LinkSourceError } from './commands/srtla-send.ts'
import { supernode } from './commands/supernode.ts'
import { trace } from './commands/trace.ts'
import { up } from './commands/up.ts'
import { mediaIngestOptions, mediaRelayOptions, mediaWatchOptions } from './media-relay-options.ts'
import { PORT_MAPPING_USES, RELAY_USES } from './node-options.ts'
import { fleetCommands } from './fleet-program.ts'
import { address, challengeSize, collect, keysFromEnvironment, seconds, seedAddress, stunAddress, turnServer, wholeNumber } from './option-values.ts'
import { Output } from './output.ts'
import { mergeOptions, mergeValues, simulateOptions } from './simulate-options.ts'
import { srtlaOptions } from './srtla-options.ts'
import { StoppedError, StopSignal } from './stop-signal.ts'
import { tableOptions } from './table-options.ts'
import type { CommandContext, Run } from './command-context.ts'
import type { SimulateCommandOptions } from './simulate-options.ts'

const DEFAULT_GATEWAY_PORT = 8899
const SEED_HELP = 'seed or peer to join through: a multiaddr, or a name of many seeds, /dnsaddr/seeds.example.org (TXT records) or ' +
  'srv:seeds.example.org (SRV records of _skein._tcp.seeds.example.org) (repeatable)'

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
    await build(run).parseAsync(args, { from: 'user' })
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
  const asked = [ConfigError, ConfigFileError, FleetOptionsError, LinkSourceError]
  return asked.some(type => error instanceof type) || isAskedWrongly(error) ? 2 : 1
}

function build (run: Run): Command {
  const program = new Command('skein')
    .description('A peer-to-peer mesh in which devices serve AI models to each other')
    .version('0.1.0')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `
Examples:
  $ skein up                                     a whole mesh on this machine, and an OpenAI endpoint on port ${DEFAULT_GATEWAY_PORT}
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

  json(program.command('up')
    .description('Start a mesh on this machine (a seed, several peers, a model served by two of them, a gateway), send a chat request through ' +
      'it and print the answer; then keep it running until Ctrl-C')
    .option('--peers <n>', 'peers to start, the gateway\'s own not counted; two of them serve the built-in model', wholeNumber(2, 100), 4)
    .option('--port <port>', 'port of the gateway on 127.0.0.1; 0 takes any free one', wholeNumber(0, 65_535), DEFAULT_GATEWAY_PORT)
    .option('--prompt <text>', 'the first question', 'Call me')
    .option('--exit', 'stop after the first complete answer, with status 0')
    .option('--local-server <url>', 'a model server whose models are offered too, if it answers', OLLAMA_URL)
    .option('--no-local-server', 'do not look for one')
    .addHelpText('after', `
Examples:
  $ skein up
  $ skein up --peers 10 --port 0 --exit --json`))
    .action(run(up))

  json(tableOptions(program.command('seed')
    .description('Run a bootstrap seed'), SEED_TABLE))
    .addHelpText('after', `
Each option may also be given by its environment variable, or by its key in the file of --config; a flag wins over the environment, the environment
over the file. Lists are separated by commas in the environment.

Examples:
  $ skein seed --listen /ip4/0.0.0.0/tcp/7310 --http 8080 --region eu-west
  $ skein seed --config /etc/skein/seed.yaml --print-config
  $ skein seed --listen /ip4/127.0.0.1/tcp/0 --ephemeral --json

Exit status: 0 after a signal and an orderly end, 1 when it failed, 2 when the configuration is wrong.`)
    .action(run(seed))

  json(node(program.command('peer')
    .description('Run a peer that serves models and stores offers for others')))
    .option('--serve <what>', '"smoke" for the built-in smoke-test model, or the base URL of an OpenAI-compatible server (repeatable)', collect, [])
    .option('--max-concurrent <n>', 'most requests served at once, by each model', wholeNumber(1, 1_000))
    .addOption(new Option('--pace <tokens>', 'slow the built-in model down to this many tokens/s').argParser(wholeNumber(1, 100_000)))
    .option('--api-key <key>', 'key for the server named by --serve (or SKEIN_BACKEND_API_KEY)', process.env.SKEIN_BACKEND_API_KEY)
    .option('--offer-life <seconds>', 'how long others believe an offer that is not renewed; shorter forgets a dead peer sooner costs renewals',
      wholeNumber(2, 120), 120)
    .addHelpText('after', `
Examples:
  $ skein peer --seed /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo… --serve smoke
  $ skein peer --seed ADDR --serve http://127.0.0.1:11434/v1 --region eu-west
  $ skein peer --seed /dnsaddr/seeds.example.org --serve smoke`)
    .action(run(peer))

  json(node(program.command('gateway')
    .description('Run an OpenAI-compatible HTTP endpoint for the models of the mesh')))
    .option('--port <port>', 'port to listen on; 0 takes any free one', wholeNumber(0, 65_535), DEFAULT_GATEWAY_PORT)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--api-key <key>', 'a key that clients must send (repeatable; or SKEIN_API_KEYS, separated by commas)', collect, keysFromEnvironment())
    .addHelpText('after', `
Examples:
  $ skein gateway --seed ADDR
  $ skein gateway --seed ADDR --host 0.0.0.0 --port 80 --api-key secret`)
    .action(run(gateway))

  json(program.command('find')
    .argument('<model>', 'model id')
    .description('Show who serves a model, the nearest region first')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--region <name>', 'this machine\'s region', '')
    .option('--wanted <n>', 'stop after this many offers', wholeNumber(1, 100), 20)
    .option('--timeout <seconds>', 'give up after this long', wholeNumber(1, 600), 10)
    .option('--why', 'tell who would be asked first, who after it, and why')
    .option('--data <folder>', 'go by what the peer of this data folder remembers of others; that peer must not be running')
    .addHelpText('after', `
Examples:
  $ skein find skein-smoke-1 --seed /ip4/127.0.0.1/tcp/7310/p2p/12D3Koo…
  $ skein find skein-smoke-1 --seed ADDR --why --data ~/.skein/gateway
  $ skein find llama3.2:3b --seed ADDR --region eu-west --json

Exit status: 0 when at least one offer was found, 1 when none was.`))
    .action(run(find))

  json(program.command('resolve')
    .argument('<name>', 'k7mx2p9a, or k7mx2p9a.PEER with the peer id of its owner')
    .description('Show where a name of the mesh points, as its owner has signed it')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--timeout <seconds>', 'give up after this long', wholeNumber(1, 600), 10)
    .addHelpText('after', `
Each peer may say a name. Where several say the same, it is ambiguous, and you are told so; with the owner behind it, it is that peer's alone.
A name only tells the way. Who may stream is decided by the stream id.

Examples:
  $ skein resolve k7mx2p9a --seed /ip4/127.0.0.1/tcp/7310/p2p/12D3Koo…
  $ skein resolve k7mx2p9a.12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB --seed ADDR --json

Exit status: 0 when it was resolved, 1 when nobody says it, or several do.`))
    .action(run(resolve))

  json(program.command('doctor')
    .description('Find out whether and how others reach a peer of this device, why not better, and what to do about it')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--listen <address>', 'multiaddr to listen on (repeatable) (default: TCP on all interfaces, a free port)', address)
    .option('--announce <address>', 'multiaddr to tell others, for a port forwarded by hand (repeatable)', address)
    .option('--stun <address>', 'STUN server beside those of the seeds, such as /ip4/192.0.2.1/udp/3478 (repeatable)', stunAddress, [])
    .option('--region <name>', 'short name of the region, eu-west', '')
    .option('--data <folder>', 'identity to ask with, of a peer that is not running (default: a new one)')
    .option('--credential <file>', 'what to show to seeds that ask for it: a token or certificates, in PEM (repeatable)', collect)
    .addOption(portMapping('on: ask the router before this device to let others in for a moment, to see whether it does; off: leave it alone'))
    .option('--timeout <seconds>', 'what is not known by then is left open', wholeNumber(5, 60), 15)
    .addHelpText('after', `
Give it the same --seed, --listen and --announce as your peer, and stop the peer if it has a port of its own. Nobody but the seeds, STUN servers that
you name, peers of the mesh and your router is asked.

Examples:
  $ skein doctor --seed /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo…
  $ skein doctor --seed ADDR --listen /ip4/0.0.0.0/tcp/7311
  $ skein doctor --seed ADDR --json

Exit status: 0 when others reach it and nothing must be mended, 1 when not, 2 when it was asked wrongly.`))
    .action(run(doctor))

  json(program.command('ping')
    .argument('<peer>', 'peer id, or a multiaddr that ends with one')
    .description('Measure round trips to a peer, on the path that requests to it take')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--count <n>', 'how many', wholeNumber(1, 1_000_000), 5)
    .option('--interval <seconds>', 'from one to the next', seconds(0.1, 3_600), 1)
    .option('--timeout <seconds>', 'how long the peer is looked for, and each ping waited for', wholeNumber(1, 600), 10)
    .option('--data <folder>', 'identity to ask with (default: a new one)')
    .addHelpText('after', `
The path is direct, punched (through both routers) or relayed; it may become a better one between two pings.

Examples:
  $ skein ping 12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB --seed ADDR
  $ skein ping /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo… --count 20 --interval 0.2 --json

Exit status: 0 when a ping came back, 1 when none did.`))
    .action(run(ping))

  json(program.command('trace')
    .argument('<model>', 'model id')
    .description('Show each step of finding a provider of a model and reaching it, with its time: seeds, lookup, offers, ranking, dial, path')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--region <name>', 'this machine\'s region', '')
    .option('--wanted <n>', 'stop after this many offers', wholeNumber(1, 100), 20)
    .option('--call [question]', 'ask the model too, and tell when the first token comes')
    .option('--data <folder>', 'go by what the peer of this data folder remembers of others; that peer must not be running')
    .option('--timeout <seconds>', 'give up after this long', wholeNumber(1, 600), 30)
    .addHelpText('after', `
Examples:
  $ skein trace skein-smoke-1 --seed /ip4/127.0.0.1/tcp/7310/p2p/12D3Koo…
  $ skein trace llama3.2:3b --seed ADDR --call "Say hello" --json

Exit status: 0 when a provider was found, and with --call when it answered; 1 when not.`))
    .action(run(trace))

  json(program.command('measure')
    .argument('<peer>', 'peer id, or a multiaddr that ends with one')
    .description('Measure what a peer can do: its memory by a challenge, which costs it seconds of a core, the speed of a model by asking it')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--model <id>', 'a model that it serves, to be timed')
    .option('--memory <MiB>', 'buffer that it is asked to fill, a power of two from 64 to 4096; 0 leaves memory out', challengeSize, 256)
    .option('--data <folder>', 'identity to ask with (or SKEIN_DATA): a peer answers strangers less often', process.env.SKEIN_DATA)
    .option('--timeout <seconds>', 'give up after this long', wholeNumber(1, 600), 120)
    .addHelpText('after', `
A peer answers one challenge at a time, six an hour, two of them for strangers; then it is busy. What comes out is a measurement, not an attestation:
the peer may have had another machine do the work.

Examples:
  $ skein measure 12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB --seed ADDR --model skein-smoke-1
  $ skein measure /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo… --memory 64 --json

Exit status: 0 when it was measured, 1 when it was not.`))
    .action(run(measure))

  reputation(program.command('reputation'), run)
  credential(program.command('credential'), run)
  stake(program.command('stake'), run)
  superNode(program.command('supernode'), run)
  srtlaOptions(program.command('srtla'), run)
  mediaRelayOptions(program.command('media-relay'), run)
  mediaWatchOptions(program.command('media-watch'), run)
  mediaIngestOptions(program.command('media-ingest'), run)
  fleetCommands(program.command('fleet'), run)

  const simulate = json(simulateOptions(program.command('simulate')))
  simulate.action(run(async (context, options: SimulateCommandOptions, scenario: string | undefined) => {
    if (options.help === true && scenario === undefined) {
      simulate.outputHelp()
    } else {
      await simulateCommand(context, options, scenario)
    }
  }))
  const merge = json(mergeOptions(simulate.command('merge')))
  merge.action(async folders => { await run(mergeCommand)(folders, mergeValues(merge), merge) })

  return program
}

function credential (command: Command, run: Run): void {
  command.description('Vouch for peers, so that seeds that ask for it let them in').addHelpText('after', `
Examples:
  $ skein credential key --key authority.key                       the id to give to seeds: --token-authority ID
  $ skein credential issue PEER --key authority.key --days 90 --out peer.credential
  $ skein peer --seed ADDR --credential peer.credential
  $ skein credential revoke peer.credential --list revoked.txt`)
  json(command.command('key')
    .description('Print whose key is in a file; one that is not there is made')
    .option('--key <file>', 'the key file (default: that of skein peer)')
    .option('--pem', 'print the public key in PEM instead, for an authority of X.509 certificates'))
    .action(run(credentialKey))
  json(command.command('issue <peer>')
    .description('Sign a credential for a peer')
    .requiredOption('--key <file>', 'key file of the authority')
    .option('--days <n>', 'how long it holds', wholeNumber(1, 396), 90)
    .option('--note <text>', 'for your own books; whoever sees the credential sees it', '')
    .option('--out <file>', 'where to write it (default: it is printed)'))
    .action(run(issueCredential))
  json(command.command('revoke <id-or-file>')
    .description('Put a credential on a list of revocations')
    .requiredOption('--list <file>', 'the list that seeds follow: --token-revocations FILE')
    .option('--note <text>', 'why', ''))
    .action(run(revokeCredential))
  json(command.command('show <file>').description('Show what is in a file of credentials')).action(run(showCredential))
}

function stake (command: Command, run: Run): void {
  command.description('Keep a signed ledger of what is staked for peers').addHelpText('after', `
Examples:
  $ skein stake add PEER --ledger stakes.jsonl --key ledger.key --amount 50 --unit EUR --days 365
  $ skein stake show --ledger stakes.jsonl --authority ID
  $ skein stake add PEER --ledger stakes.jsonl --key ledger.key --amount 0 --unit EUR      takes it back`)
  json(command.command('add <peer>')
    .description('Append what is staked for a peer from now on; 0 takes it back')
    .requiredOption('--ledger <file>', 'the ledger; one that is not there is begun')
    .requiredOption('--key <file>', 'key file of the ledger')
    .requiredOption('--amount <n>', 'in whole units', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .requiredOption('--unit <name>', 'EUR, sats')
    .option('--days <n>', 'how long it is bound', wholeNumber(1, 36_500), 365))
    .action(run(addStake))
  json(command.command('show')
    .description('Check the ledger, and show what is staked')
    .requiredOption('--ledger <file>', 'the ledger')
    .requiredOption('--authority <id>', 'whose key signs it, as skein credential key prints it'))
    .action(run(showStakes))
}

function reputation (command: Command, run: Run): void {
  const part = (usage: string, description: string, examples: string, isDefault = false): Command => json(command.command(usage, { isDefault }))
    .description(description)
    .option('--data-dir <folder>', 'the peer\'s data folder (or SKEIN_DATA; default: ~/.skein/peer)', process.env.SKEIN_DATA)
    .addOption(new Option('--data <folder>').hideHelp())
    .addHelpText('after', `
The peer must not be running: its store has one user at a time.

Examples:
${examples}`)

  command.description('Look at, export and import what a peer remembers of others')
    .addHelpText('after', `
Examples:
  $ skein reputation list
  $ skein reputation show 12D3Koo…
  $ skein reputation export reputation.jsonl`)
  part('list', 'List whom the peer trusts to deliver, the highest scores first',
    '  $ skein reputation list\n  $ skein reputation list --service inference --limit 10 --json', true)
    .option('--service <name>', 'one service alone: inference, relay, honesty')
    .option('--limit <n>', 'at most so many', wholeNumber(1, 100_000), 50)
    .action(run(listReputation))
  part('show <peer>', 'Show why the scores of one peer are what they are, and the receipts of dealings with it',
    '  $ skein reputation show 12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB')
    .action(run(showReputation))
  part('export <file>', 'Write all of it into a file of JSON lines', '  $ skein reputation export reputation.jsonl --data-dir ~/.skein/gateway')
    .action(run(exportReputation))
  part('import <file>', 'Replace it by what was exported; a file that is not whole changes nothing', '  $ skein reputation import reputation.jsonl')
    .action(run(importReputation))
}

type Asking = (context: CommandContext, options: Record<string, unknown>) => Promise<void>

function superNode (command: Command, run: Run): void {
  json(tableOptions(command
    .description('Volunteer this machine to carry load for others: relay, discovery, and STUN if asked, within limits'), SUPER_NODE_TABLE))
    .addHelpText('after', `
Each option may also be given by its environment variable, or by its key in the file of --config; a flag wins over the environment, the environment
over the file. What is relayed is encrypted from end to end: this machine sees who talks with whom and how much, not what. Ctrl-C lets those who are
connected go on elsewhere and ends; a second one ends it at once.

Examples:
  $ skein supernode --seed ADDR --region eu-west
  $ skein supernode --seed ADDR --per-day 10GB --per-month 200GB --bandwidth 20Mbit --cpu 50%
  $ skein supernode --seed ADDR --schedule "Mon-Fri 20:00-06:00; Sat,Sun 00:00-24:00" --time-zone Europe/Berlin
  $ skein supernode status                       what it did, and why it is elected or not
  $ skein supernode drain                        no new clients; it ends when the last has gone

Exit status: 0 after a drain, 1 when it failed, 2 when the configuration is wrong.`)
    .action(run(supernode))
  // the options before a command belong to it too: commander gives --data and --json to the one that knows them first
  const control = (name: string, description: string, action: Asking): Command => {
    const part = command.command(name).description(description)
    return part.action(async () => { await run(action)(part.optsWithGlobals(), part) })
  }
  control('status', 'Show what the super-node of this machine does and did, and why it is elected or not', superNodeStatus)
    .addHelpText('after', `
Options: --data, --config and --json, as for skein supernode.

Examples:
  $ skein supernode status
  $ skein supernode status --json --data /var/lib/skein-supernode`)
  control('drain', 'Let those who are connected to the super-node of this machine go on elsewhere, and end it', drainSuperNode)
    .addHelpText('after', `
Options: --data, --config and --json, as for skein supernode.

Examples:
  $ skein supernode drain`)
}

/** Options of every command that runs a node of the mesh. */
function node (command: Command): Command {
  return command
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--listen <address>', 'multiaddr to listen on (repeatable) (default: TCP on all interfaces, a free port)', address)
    .option('--announce <address>', 'multiaddr to tell others, for a port forwarded by hand (repeatable)', address)
    .option('--region <name>', 'short name of the region, eu-west', '')
    .option('--data <folder>', 'folder for the identity and the address book (or SKEIN_DATA; default: ~/.skein/COMMAND)', process.env.SKEIN_DATA)
    .option('--ephemeral', 'keep nothing on disk: a new identity each time')
    .option('--stun <address>', 'STUN server that tells what NAT this machine is behind, beside those of super-nodes: /ip4/192.0.2.1/udp/3478; it ' +
      'takes two addresses of them (repeatable)', stunAddress)
    .option('--no-webrtc', 'do not try WebRTC where neither side can be dialled and TCP gets through neither router')
    .addOption(new Option('--turn <url>', 'TURN server that passes bytes on where nothing else gets through, turn:USER:PASSWORD@HOST:PORT ' +
      '(repeatable)')
      .env('SKEIN_TURN').argParser(turnServer))
    .option('--credential <file>', 'what to show to seeds that ask for it: a token or certificates, in PEM (repeatable)', collect)
    .addOption(new Option('--relay <how>', 'auto: be reached through relays too when serving, where a seed is in the world; listen: always; dial: ' +
      'reach those who are; off: neither (see skein doctor)').choices(RELAY_USES).default('auto'))
    .addOption(portMapping('on: have the router before this machine let others in, by PCP, NAT-PMP or UPnP, where there is one; off: leave it alone'))
}

function portMapping (description: string): Option {
  return new Option('--port-mapping <use>', description).choices(PORT_MAPPING_USES).default('on')
}

function json (command: Command): Command {
  return command.option('--json', 'one JSON object a line instead of text')
}
