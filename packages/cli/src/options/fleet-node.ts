/** The options of `skein fleet node serve`. */
import { isIpAddress } from '@skein/srtla/node'
import { InvalidArgumentError, Option } from 'commander'
import { serveFleetNode } from '../commands/fleet-node.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

const port = wholeNumber(0, 65_535)

export function fleetNodeServe (command: Command, run: Run): void {
  command
    .description('Run a relay node: takes bonded streams, hands them to players, and lets in whom the control plane admits')
    .option('--capacity <n>', 'streams at once', wholeNumber(1, 10_000), 8)
    .option('--host <address>', 'IP address of the ports for media', ipAddress, '0.0.0.0')
    .option('--srtla-port <port>', 'UDP port of bonded streams; 0 takes any free one, here and below', port, 5_000)
    .option('--publisher-port <port>', 'UDP port of streams over one link', port, 4_001)
    .option('--player-port <port>', 'UDP port of players', port, 4_000)
    .option('--manage-host <address>', 'IP address at which the control plane manages it', ipAddress, '127.0.0.1')
    .option('--manage-port <port>', 'its TCP port', port, 3_000)
    .option('--allow-from <address>', 'address or network that the control plane comes from; others are not answered (repeatable) (default: all)',
      networks)
    .option('--latency <ms>', 'least latency of streams over one link; bonded ones have 1000', wholeNumber(20, 30_000), 120)
    .addOption(new Option('--passphrase <text>', 'what publishers and players must have, 10 to 79 characters').env('SKEIN_MEDIA_PASSPHRASE'))
    .option('--mmdb <file>', 'table of networks in MaxMind\'s format: statistics of links name the carrier')
    .addHelpText('after', `
The key that the control plane has to show is read from SKEIN_FLEET_NODE_KEY. Nothing is kept: after a restart the control plane has its streams
admitted again within seconds. It tells the control plane, and nobody else, what each stream and link carries, what is lost, and what processor and
memory are used. Put TLS in front of --manage-port beyond a private network.

Examples:
  $ export SKEIN_FLEET_NODE_KEY=$(openssl rand -hex 24)
  $ skein fleet node serve --capacity 8 --manage-host 10.0.0.5 --allow-from 10.0.0.1
  $ skein fleet node add kc1 --region us-central --capacity 8 --ingest 192.0.2.1:5000 --play 192.0.2.1:4000 --manage http://10.0.0.5:3000

Exit status: 0 after a signal and an orderly end, 1 when it failed, 2 when it was asked wrongly.`)
    .action(run(serveFleetNode))
}

function ipAddress (value: string): string {
  if (!isIpAddress(value)) {
    throw new InvalidArgumentError('Expected an IP address')
  }
  return value
}

/** Addresses and networks, one for each time that the option is given. */
export function networks (value: string, previous: string[] = []): string[] {
  const [address = '', prefix = '0'] = value.split('/')
  if (!isIpAddress(address) || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (address.includes(':') ? 128 : 32)) {
    throw new InvalidArgumentError('Expected an IP address such as 192.0.2.9, or a network such as 10.0.0.0/8')
  }
  return [...previous, value]
}
