/** `skein media-relay`, `skein media-watch` and `skein media-ingest`, and their options. */
import { multiaddr } from '@multiformats/multiaddr'
import { InvalidArgumentError, Option } from 'commander'
import { LEAST_TOKEN_CHARACTERS, streamEntryProblem, streamRole } from '@skein/media-relay'
import { mediaIngest } from '../commands/media-ingest.ts'
import { mediaRelay } from '../commands/media-relay.ts'
import { mediaWatch } from '../commands/media-watch.ts'
import { address, seedAddress } from '../address-values.ts'
import { seconds, wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { StreamEntry } from '@skein/media-relay'
import type { Run } from '../command-context.ts'

const port = wholeNumber(0, 65_535)

export function mediaRelayOptions (command: Command, run: Run): void {
  command
    .option('--host <address>', 'IP address of the ports for media', ipAddress, '0.0.0.0')
    .option('--publisher-port <port>', 'UDP port of publishers; 0 takes any free one, here and below', port, 4_001)
    .option('--player-port <port>', 'UDP port of players', port, 4_000)
    .option('--srtla-port <port>', 'UDP port of publishers that come over several links', port, 5_000)
    .option('--no-srtla', 'no such port')
    .option('--management-host <address>', 'IP address of the ports below; statistics are for everyone who reaches them', ipAddress, '127.0.0.1')
    .option('--api-port <port>', 'TCP port of /api/stream-ids, /api/keys and /health', port, 3_000)
    .option('--stats-port <port>', 'TCP port of /stats/PLAYER and /metrics', port, 8_090)
    .option('--link-stats-port <port>', 'TCP port of /stats of each link, with /metrics', port, 5_080)
    .option('--stream <publisher=player>', 'a stream id to make at the start, unless there is one of that player (repeatable)', stream)
    .option('--latency <ms>', 'least latency from publishers; over SRTLA at least 1000', wholeNumber(20, 30_000), 120)
    .option('--stale-after <seconds>', 'a publisher that sends nothing for so long may be taken over', seconds(0.5, 60), 3)
    .option('--max-players <n>', 'players at once', wholeNumber(1, 100_000), 500)
    .addOption(new Option('--passphrase <text>', 'what publishers and players must have, 10 to 79 characters').env('SKEIN_MEDIA_PASSPHRASE')
      .argParser(passphrase))
    .option('--mmdb <file>', 'table of networks in MaxMind\'s format: statistics of links name the carrier')
    .option('--data <folder>', 'folder for stream ids and keys (or SKEIN_DATA; default: ~/.skein/media-relay)', process.env.SKEIN_DATA)
    .option('--ephemeral', 'keep nothing on disk')
    .option('--new-admin-key', 'make one more key for everything, as the one before is lost')
    .option('--mesh', 'be a peer of the mesh too, from which others play with skein media-watch')
    .option('--seed <address>', 'with --mesh: seed to join through, as for skein peer (repeatable)', seedAddress, [])
    .option('--listen <address>', 'with --mesh: multiaddr to listen on (repeatable) (default: TCP on all interfaces, a free port)', address)
    .option('--json', 'one JSON object a line instead of text')
    .addHelpText('after', `
The first start makes a key for the management API and shows it, once. A stream has an id for who publishes it, live_TOKEN, and one or several for
those who play it, play_TOKEN: whoever knows one may use it.

Examples:
  $ skein media-relay --stream live_4f2a91=play_c07b3e
  $ ffmpeg -re -i film.mp4 -c copy -f mpegts "srt://HOST:4001?streamid=live_4f2a91"
  $ ffplay "srt://HOST:4000?streamid=play_c07b3e"
  $ skein srtla send 4010 HOST 5000 links.txt          and let the encoder publish to srt://127.0.0.1:4010 instead
  $ curl -H "Authorization: Bearer KEY" http://127.0.0.1:3000/api/stream-ids
  $ curl -H "Authorization: Bearer KEY" -d '{"publisher":"live_b","player":"play_b"}' http://127.0.0.1:3000/api/stream-ids
  $ curl http://127.0.0.1:8090/stats/play_c07b3e
  $ skein media-relay --mesh --listen /ip4/0.0.0.0/tcp/7320          and elsewhere: skein media-watch ADDRESS play_c07b3e

Exit status: 0 after a signal and an orderly end, 1 when it failed, 2 when it was asked wrongly.`)
    .action(run(mediaRelay))
}

export function mediaWatchOptions (command: Command, run: Run): void {
  command
    .argument('<relay>', 'a media relay of the mesh: its peer id, or a multiaddr that ends with one')
    .argument('<player>', 'the stream: play_TOKEN')
    .option('--seed <address>', 'seed to find the relay through, when it is named by its peer id (repeatable)', seedAddress, [])
    .option('--host <address>', 'IP address of the port for players', ipAddress, '127.0.0.1')
    .option('--port <port>', 'its UDP port; 0 takes any free one', port, 4_000)
    .addOption(new Option('--passphrase <text>', 'what players must have, 10 to 79 characters').env('SKEIN_MEDIA_PASSPHRASE').argParser(passphrase))
    .option('--data <folder>', 'identity to ask with (default: a new one)')
    .option('--timeout <seconds>', 'how long the relay is looked for', wholeNumber(1, 600), 30)
    .option('--json', 'one JSON object a line instead of text')
    .addHelpText('after', `
The relay must have been started with --mesh. A stream that is interrupted is asked for again.

Examples:
  $ skein media-watch /ip4/192.0.2.1/tcp/7320/p2p/12D3Koo… play_c07b3e
  $ ffplay "srt://127.0.0.1:4000?streamid=play_c07b3e"

Exit status: 0 after a signal and an orderly end, 1 when it failed or was refused, 2 when it was asked wrongly.`)
    .action(run(mediaWatch))
}

export function mediaIngestOptions (command: Command, run: Run): void {
  command
    .argument('[relay]', 'a super-node that takes streams in: its peer id, or a multiaddr that ends with one (default: an elected one)')
    .option('--seed <address>', 'seed to find the super-node through (repeatable)', seedAddress, [])
    .option('--region <name>', 'short name of the region, eu-west, whose super-nodes are looked at')
    .option('--publisher <id>', 'what the encoder has to say: live_ and 16 characters or more that nobody guesses (default: a new one)', publisher)
    .option('--host <address>', 'IP address of the port for players', ipAddress, '127.0.0.1')
    .option('--port <port>', 'its UDP port; 0 takes any free one', port, 4_000)
    .addOption(new Option('--passphrase <text>', 'what players must have, 10 to 79 characters').env('SKEIN_MEDIA_PASSPHRASE').argParser(passphrase))
    .option('--data <folder>', 'identity to ask with (default: a new one)')
    .option('--timeout <seconds>', 'how long a super-node is looked for', wholeNumber(1, 600), 30)
    .option('--json', 'one JSON object a line instead of text')
    .addHelpText('after', `
It prints where the encoder has to send, over one link (SRT) or several (SRTLA), and what to play. The super-node must have been started with --media;
it sees the stream. Whoever knows what the encoder says may publish in its place.

Examples:
  $ skein media-ingest --seed ADDR --region eu-west
  $ skein media-ingest /ip4/192.0.2.1/tcp/7312/p2p/12D3Koo… --publisher live_3nb8KcqLwzr1YtVd

Exit status: 0 after a signal and an orderly end, 1 when it failed or was refused, 2 when it was asked wrongly.`)
    .action(run(mediaIngest))
}

function publisher (value: string): string {
  const least = 'live_'.length + LEAST_TOKEN_CHARACTERS
  if (streamRole(value) !== 'publisher' || value.length < least) {
    throw new InvalidArgumentError(`Expected live_ and ${LEAST_TOKEN_CHARACTERS} or more letters, digits, dots, dashes or underscores`)
  }
  return value
}

function ipAddress (value: string): string {
  try {
    multiaddr(`/${value.includes(':') ? 'ip6' : 'ip4'}/${value.replaceAll('/', '?')}`)
    return value
  } catch {
    throw new InvalidArgumentError('Expected an IP address')
  }
}

function passphrase (value: string): string {
  const bytes = Buffer.byteLength(value)
  if (bytes < 10 || bytes > 79) {
    throw new InvalidArgumentError('Expected 10 to 79 characters')
  }
  return value
}

function stream (value: string, previous: StreamEntry[] = []): StreamEntry[] {
  const [publisher, player] = value.split('=', 2)
  const wrong = streamEntryProblem({ publisher, player })
  if (publisher === undefined || player === undefined || wrong !== undefined) {
    throw new InvalidArgumentError(`Expected live_TOKEN=play_TOKEN${wrong === undefined ? '' : `: ${wrong.field} ${wrong.message}`}`)
  }
  return [...previous, { publisher, player, description: '' }]
}
