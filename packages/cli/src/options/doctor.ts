/** The options of `skein doctor`. */
import { doctor } from '../commands/doctor.ts'
import { json } from '../json-option.ts'
import { portMapping, SEED_HELP } from '../mesh-options.ts'
import { address, seedAddress, stunAddress } from '../address-values.ts'
import { collect, wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function doctorOptions (command: Command, run: Run): void {
  json(command
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
}
