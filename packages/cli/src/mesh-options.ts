/** Options of commands with a node of the mesh. */
import { Option } from 'commander'
import { PORT_MAPPING_USES, RELAY_USES } from './node-options.ts'
import { address, seedAddress, stunAddress, turnServer } from './address-values.ts'
import { collect } from './option-values.ts'
import type { Command } from 'commander'

export const SEED_HELP = 'seed or peer to join through: a multiaddr, or a name of many seeds, /dnsaddr/seeds.example.org (TXT records) or ' +
  'srv:seeds.example.org (SRV records of _skein._tcp.seeds.example.org) (repeatable)'

/** Of those that run one for as long as they are told to. */
export function meshOptions (command: Command): Command {
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

export function portMapping (description: string): Option {
  return new Option('--port-mapping <use>', description).choices(PORT_MAPPING_USES).default('on')
}
