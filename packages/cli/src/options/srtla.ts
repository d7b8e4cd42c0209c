/** `skein srtla` and its options. */
import { isIpAddress } from '@skein/srtla/node'
import { InvalidArgumentError, Option } from 'commander'
import { srtlaReceive } from '../commands/srtla-receive.ts'
import { srtlaSend } from '../commands/srtla-send.ts'
import { srtlaStatus } from '../commands/srtla-status.ts'
import { seconds, wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export const STATS_PORT = 5_080

export function srtlaOptions (command: Command, run: Run): void {
  command.addHelpText('after', `
Examples:
  $ skein srtla receive --port 5000 --srt-host 127.0.0.1 --srt-port 4001
  $ skein srtla send 4000 relay.example.org 5000 links.txt
  $ skein srtla status`)

  send(command.command('send'), run)
  receive(command.command('receive'), run)
  status(command.command('status'), run)
}

function send (command: Command, run: Run): void {
  command
    .argument('<listen_port>', 'UDP port at which the encoder sends SRT; 0 takes any free one', wholePort(0))
    .argument('<host>', 'the SRTLA receiver')
    .argument('<port>', 'its UDP port', port)
    .argument('[ips_file]', 'file with the source address of each link, one a line; read again when it changes, and on SIGHUP')
    .description('Take SRT from an encoder, and send it over all links to an SRTLA receiver')
    .option('--interfaces <names>', 'network interfaces to use in place of a file, separated by commas: eth0,wwan0', names)
    .option('--ipv6', 'use the IPv6 addresses of --interfaces')
    .addOption(new Option('--mode <name>', 'adaptive: fills each link up to where packets queue, and passes on no loss before it is sure; ' +
      'classic: the rule of the first implementation').choices(['adaptive', 'classic']).default('adaptive'))
    .option('--listen-host <address>', 'address of the port for the encoder', ipAddress, '0.0.0.0')
    .option('--max-hold <ms>', 'adaptive: how long a reported loss may be kept back while the packet may be on its way; half of the stream\'s ' +
      'latency at most', wholeNumber(0, 5_000), 400)
    .option('--stats-port <port>', 'TCP port of /stats, /metrics and /health; 0 takes any free one (default: no such port)', wholePort(0))
    .option('--stats-host <address>', 'address of that port', ipAddress, '127.0.0.1')
    .option('--mmdb <file>', 'table of networks in MaxMind\'s format: they name the carrier of a link with a public address')
    .option('--pad', 'pad own packets to 32 bytes, for carriers that drop smaller ones')
    .option('--json', 'one JSON object a line instead of text')
    .addHelpText('after', `
A link is a source address of this machine; up to 16. Lines that begin with # are comments.

Examples:
  $ skein srtla send 4000 relay.example.org 5000 links.txt
  $ skein srtla send 4000 192.0.2.1 5000 --interfaces wwan0,wwan1,eth0
  $ skein srtla send 4000 192.0.2.1 5000 links.txt --mode classic
  $ skein srtla send 4000 192.0.2.1 5000 links.txt --stats-port 5081
  $ skein srtla status http://127.0.0.1:5081           round trip, window and losses of each link
  $ kill -HUP $(pgrep -f "srtla send")                 read links.txt again now

Exit status: 0 after a signal and an orderly end, 1 when it failed, 2 when it was asked wrongly.`)
    .action(run(srtlaSend))
}

function receive (command: Command, run: Run): void {
  command
    .description('Take streams that come over several links, and pass each on to an SRT listener')
    .option('--port <port>', 'UDP port for senders, IPv4 and IPv6; 0 takes any free one', wholePort(0), 5_000)
    .option('--host <address>', 'address to listen at (repeatable) (default: all of IPv4 and IPv6)', addresses)
    .option('--srt-host <host>', 'who listens for SRT', '127.0.0.1')
    .option('--srt-port <port>', 'its UDP port', port, 4_001)
    .option('--stats-port <port>', 'TCP port of /stats, /metrics and /health; 0 takes any free one', wholePort(0), STATS_PORT)
    .option('--stats-host <address>', 'address of that port; they tell the addresses of senders', ipAddress, '127.0.0.1')
    .option('--no-stats', 'no such port')
    .option('--mmdb <file>', 'table of networks in MaxMind\'s format (GeoLite2 ASN, DB-IP ASN Lite): statistics name the carrier of each link')
    .option('--max-groups <n>', 'streams at once', wholeNumber(1, 10_000), 200)
    .option('--max-links <n>', 'links of one stream', wholeNumber(1, 64), 16)
    .option('--link-timeout <seconds>', 'a link that is silent for longer is removed', wholeNumber(1, 3_600), 10)
    .option('--max-packets <n>', 'packets/s that this machine can pass on; at more, streams get fair shares', wholeNumber(100, 10_000_000), 50_000)
    .option('--pad', 'pad own packets to 32 bytes, for carriers that drop smaller ones')
    .option('--json', 'one JSON object a line instead of text')
    .addHelpText('after', `
The SRT listener may come later, or go away for a while: streams wait for it.

Examples:
  $ skein srtla receive --port 5000 --srt-host 127.0.0.1 --srt-port 4001
  $ skein srtla receive --srt-port 4001 --mmdb GeoLite2-ASN.mmdb
  $ srt-live-transmit "srt://:4001?mode=listener&latency=1500" file://con | ffplay -

Exit status: 0 after a signal and an orderly end, 1 when it failed, 2 when it was asked wrongly.`)
    .action(run(srtlaReceive))
}

function status (command: Command, run: Run): void {
  command
    .argument('[url]', 'statistics of a receiver or a sender', `http://127.0.0.1:${STATS_PORT}/stats`)
    .description('Show the streams and links of a receiver or a sender; on a terminal again each second, until Ctrl-C')
    .option('--once', 'show them once')
    .option('--interval <seconds>', 'from one look to the next', seconds(0.1, 3_600), 1)
    .option('--json', 'what it answers, once, as one line')
    .addHelpText('after', `
A link counts as degraded after 2 s of silence, and as gone after 5 s. A sender tells more of each: round trip, packets in flight and the window
for them, and what it lost.

Examples:
  $ skein srtla status
  $ skein srtla status http://192.0.2.1:5080/stats --once
  $ skein srtla status http://127.0.0.1:5081     of skein srtla send … --stats-port 5081
  $ skein srtla status --json

Exit status: 0 when it answered, 1 when it did not.`)
    .action(run(srtlaStatus))
}

function port (value: string): number {
  return wholePort(1)(value)
}

function wholePort (min: number): (value: string) => number {
  return wholeNumber(min, 65_535)
}

function ipAddress (value: string): string {
  if (!isIpAddress(value)) {
    throw new InvalidArgumentError('Expected an IP address')
  }
  return value
}

function addresses (value: string, previous: string[] = []): string[] {
  return [...previous, ipAddress(value)]
}

function names (value: string): string[] {
  const parts = value.split(',').map(part => part.trim()).filter(part => part !== '')
  if (parts.length === 0) {
    throw new InvalidArgumentError('Expected names of interfaces, separated by commas')
  }
  return parts
}
