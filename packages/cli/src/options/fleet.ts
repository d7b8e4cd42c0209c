/** The commands of `skein fleet`, and their options. */
import { InvalidArgumentError, Option } from 'commander'
import { LOCAL_PLAYER } from '@skein/fleet/media'
import { addFleetNode, connectToFleet, forgetFleetNode, issueFleetKey, listFleet, moveInFleet, serveFleet, setFleetNode } from '../commands/fleet.ts'
import { playFromFleet } from '../commands/fleet-play.ts'
import { fleetNodeServe, networks } from './fleet-node.ts'
import { seedAddress } from '../address-values.ts'
import { seconds, wholeNumber } from '../option-values.ts'
import { json } from '../json-option.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

const SCOPES = ['nodes', 'keys', 'metrics']

export function fleetOptions (command: Command, run: Run): void {
  command.addHelpText('after', `
Examples:
  $ skein fleet key --store fleet.db --scope nodes             the operator's key
  $ skein fleet key --store fleet.db --user ann --max-active 3
  $ skein fleet serve --store fleet.db --port 7400
  $ skein fleet node add kc1 --region us-central --capacity 8 --ingest 192.0.2.1:5000 --play 192.0.2.1:4000 --manage http://192.0.2.1:3000
  $ skein fleet connect --slot 1 --region us-central           with SKEIN_FLEET_URL and SKEIN_FLEET_KEY in the environment`)

  json(store(command.command('serve')))
    .description('Run a control plane of the fleet: its API, the reaper of leases, the watch over the nodes')
    .option('--host <address>', 'address to listen on; put TLS in front of it beyond loopback', '127.0.0.1')
    .option('--port <port>', '0 takes any free one', wholeNumber(0, 65_535), 7400)
    .option('--proxy <address>', 'a proxy in front, or its network, whose X-Forwarded-For is believed (repeatable)', networks)
    .option('--dns-zone <name>', 'zone in which names of slots are kept, relay.example.org (default: users are told the address of the node)')
    .option('--dns-server <host:port>', 'primary of that zone, which takes signed updates (RFC 2136)', endpoint)
    .option('--dns-key <name>', 'name of the TSIG key, whose secret (base64, HMAC-SHA-256) is in SKEIN_FLEET_DNS_SECRET')
    .option('--move-overlap <seconds>', 'after a move the place that was left goes on for so long', wholeNumber(5, 3_600), 120)
    .option('--dns-zone-id <id>', 'instead of a server: id of the zone at a provider with an API as Cloudflare\'s, token in SKEIN_FLEET_DNS_SECRET')
    .addHelpText('after', `
The API describes itself at /openapi.json. Several may run over one PostgreSQL; with a file there is one.

Examples:
  $ skein fleet serve --store fleet.db
  $ skein fleet serve --store postgres://skein@db.example.org/fleet --host 192.0.2.9 --proxy 192.0.2.1
  $ skein fleet serve --dns-zone relay.example.org --dns-server 192.0.2.53:53 --dns-key fleet.key

Exit status: 0 after a signal and an orderly end, 1 when it failed.`)
    .action(run(serveFleet))

  json(store(command.command('key')))
    .description('Make a key for the API, and print it once: only its hash is kept')
    .option('--user <id>', 'whose key it is: it allows sessions, slots and relays of theirs')
    .option('--max-active <n>', 'sessions that the user may have at once', wholeNumber(0, 100), 3)
    .addOption(new Option('--scope <name>', `what an operator's key allows (repeatable): ${SCOPES.join(', ')}`).argParser(scopes))
    .addHelpText('after', `
Examples:
  $ skein fleet key --store fleet.db --user ann
  $ skein fleet key --store fleet.db --scope nodes --scope metrics --json`)
    .action(run(issueFleetKey))

  json(api(command.command('connect')))
    .description('Keep a relay ready for a slot, and tell how it does, until Ctrl-C')
    .option('--slot <n>', 'which of your slots (repeatable)', slots)
    .option('--region <name>', 'short name of the region that is wished for, eu-west')
    .option('--own <relay>', 'id of a relay of your own, instead of one of the fleet')
    .option('--mesh', 'a relay at an elected super-node of the region, with no control plane; needs --seed and no key')
    .option('--seed <address>', 'with --mesh: a seed or peer to join by (repeatable)', seedAddress, [])
    .option('--identity <folder>', 'with --mesh: whose the slots are; names and stream ids are drawn from its key (default: ~/.skein/fleet)')
    .option('--data <file>', 'remembers the connections, so that the next start needs no --slot')
    .option('--release', 'give the relays back at the end, instead of leaving them to their leases (5 minutes)')
    .option('--srt <port>', 'take SRT of an encoder at this UDP port, and send it to where the slot is, also when that changes; 0 takes any free one',
      wholeNumber(0, 65_535))
    .option('--srt-host <address>', 'with --srt: IP address of that port', '127.0.0.1')
    .option('--links <file>', 'with --srt: source address of each link, one a line; read again when it changes (default: one link, the system\'s)')
    .option('--interfaces <names>', 'with --srt: network interfaces to use in place of a file, separated by commas: eth0,wwan0', names)
    .option('--latency <ms>', 'with --srt: to the relay; five times the longest round trip of the links', wholeNumber(20, 30_000), 1_500)
    .addOption(passphrase('with --srt: '))
    .option('--settle <seconds>', 'with --srt: after a move give players so long to find the new place first', seconds(0, 60), 3)
    .option('--overlap <seconds>', 'with --srt: then send to both places for so long, at twice the bitrate', seconds(0.5, 60), 2)
    .addHelpText('after', `
Send to the address and with the stream id that are printed; the name stays the same for this slot, wherever the relay is. With --srt the encoder
sends to this machine instead, without a stream id, and needs not know of moves: the stream goes to the new relay beside the old one first. Those who
play with skein fleet play hear nothing of it.

Examples:
  $ skein fleet connect --slot 1
  $ skein fleet connect --slot 1 --slot 2 --region eu-west --release --json
  $ skein fleet connect --slot 1 --srt 4010 --links links.txt
  $ ffmpeg -re -i film.mp4 -c copy -f mpegts "srt://127.0.0.1:4010?pkt_size=1316"
  $ skein fleet connect --mesh --seed ADDR --region eu-west --slot 1

Exit status: 0 after a signal, 1 when it failed.`)
    .action(run(connectToFleet))

  json(api(command.command('play <slot>')))
    .description('Play the stream of a slot to players of this machine, wherever its relay is, without a gap when it moves')
    .option('--host <address>', 'IP address of the port for players', '127.0.0.1')
    .option('--port <port>', 'its UDP port; 0 takes any free one', wholeNumber(0, 65_535), 4_000)
    .option('--latency <ms>', 'from the relay to here', wholeNumber(20, 30_000), 500)
    .addOption(passphrase(''))
    .addHelpText('after', `
It asks the control plane every second where the slot is. When it moves, the stream is fetched from both places until they meet: relays hand packets
on as they got them, so that it goes on with the very next one.

Examples:
  $ skein fleet play 1
  $ ffplay "srt://127.0.0.1:4000?streamid=${LOCAL_PLAYER}"

Exit status: 0 after a signal and an orderly end, 1 when it failed.`)
    .action(run(playFromFleet))

  for (const what of ['sessions', 'slots', 'nodes'] as const) {
    json(api(command.command(what)))
      .description(what === 'nodes' ? 'List the nodes of the pool, and why one is given nothing (a key with the scope nodes)' : `List your ${what}`)
      .addHelpText('after', `\nExamples:\n  $ skein fleet ${what}\n  $ skein fleet ${what} --json`)
      .action(run(async (context, options: ApiOptions) => { await listFleet(context, options, what) }))
  }

  json(api(command.command('move <slot> <region>')))
    .description('Move the relay of a slot to another region while the stream goes on')
    .addHelpText('after', `
The name points to the new relay at once; the old one goes on for two minutes. Once an hour, six times a day. What is sent with
skein fleet connect --srt follows by itself, and what is played with skein fleet play has no gap.

Examples:
  $ skein fleet move 1 eu-west

Exit status: 0 when it is moved, 1 when it is refused or came to nothing.`)
    .action(run(moveInFleet))

  const node = command.command('node').description('Run a relay node; add, drain, evacuate and forget nodes of the pool').addHelpText('after', `
Examples:
  $ skein fleet node serve --capacity 8 --manage-host 192.0.2.1
  $ skein fleet node add kc1 --region us-central --capacity 8 --ingest 192.0.2.1:5000 --play 192.0.2.1:4000 --manage http://192.0.2.1:3000
  $ skein fleet node evacuate kc1
  $ skein fleet node remove kc1`)
  fleetNodeServe(json(node.command('serve')), run)
  json(api(node.command('add <id>')))
    .description('Add a node, or change what is said of it')
    .requiredOption('--region <name>', 'short name of its region')
    .requiredOption('--capacity <n>', 'streams at once', wholeNumber(1, 100_000))
    .requiredOption('--ingest <host:port>', 'where senders send to', endpoint)
    .requiredOption('--play <host:port>', 'where players call', endpoint)
    .requiredOption('--manage <url>', 'where the control plane manages it')
    .option('--month-limit <GB>', 'bytes in and out in a calendar month (default: unmetered)', wholeNumber(1, 1_000_000_000))
    .addHelpText('after', `
The key that the node wants is read from SKEIN_FLEET_NODE_KEY: on the command line others would see it.

Examples:
  $ SKEIN_FLEET_NODE_KEY=… skein fleet node add kc1 --region us-central --capacity 8 --ingest 192.0.2.1:5000 --play 192.0.2.1:4000 \\
      --manage http://192.0.2.1:3000 --month-limit 32000`)
    .action(run(addFleetNode))
  for (const [action, description] of [
    ['drain', 'Give a node no more sessions; it keeps those that it has'],
    ['evacuate', 'Give a node no more sessions, and move those that it has to other nodes while they go on'],
    ['resume', 'Give a node sessions again']
  ] as const) {
    json(api(node.command(`${action} <id>`))).description(description)
      .addHelpText('after', `\nExamples:\n  $ skein fleet node ${action} kc1`)
      .action(run(async (context, options: ApiOptions, id: string) => { await setFleetNode(context, options, id, action) }))
  }
  json(api(node.command('remove <id>'))).description('Forget a node on which nothing is')
    .addHelpText('after', '\nExamples:\n  $ skein fleet node remove kc1')
    .action(run(forgetFleetNode))
}

export interface ApiOptions {
  url: string
  key?: string
}

function api (command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'of the control plane').env('SKEIN_FLEET_URL').default('http://127.0.0.1:7400'))
    .addOption(new Option('--key <key>', 'skf_…; on the command line others may see it').env('SKEIN_FLEET_KEY'))
}

function store (command: Command): Command {
  return command.addOption(new Option('--store <where>', 'a file of this machine, or postgres://USER:PASSWORD@HOST/DATABASE')
    .env('SKEIN_FLEET_STORE').default('fleet.db'))
}

function passphrase (where: string): Option {
  return new Option('--passphrase <text>', `${where}what the relay wants, 10 to 79 characters`).env('SKEIN_MEDIA_PASSPHRASE')
}

function scopes (value: string, previous: string[] = []): string[] {
  if (!SCOPES.includes(value)) {
    throw new InvalidArgumentError(`Expected one of ${SCOPES.join(', ')}`)
  }
  return [...previous, value]
}

function slots (value: string, previous: number[] = []): number[] {
  return [...previous, wholeNumber(0, 99)(value)]
}

function endpoint (value: string): { host: string, port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^\s:/]+)):(\d{1,5})$/i.exec(value) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new InvalidArgumentError('Expected an address and a port such as 192.0.2.1:5000 or [2001:db8::1]:5000')
  }
  return { host, port: Number(port) }
}

function names (value: string): string[] {
  const parts = value.split(',').map(part => part.trim()).filter(part => part !== '')
  if (parts.length === 0) {
    throw new InvalidArgumentError('Expected names of interfaces, separated by commas')
  }
  return parts
}
