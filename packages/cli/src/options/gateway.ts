/** The options of `skein gateway`. */
import { gateway } from '../commands/gateway.ts'
import { GATEWAY_PORT } from '../gateway-port.ts'
import { json } from '../json-option.ts'
import { meshOptions } from '../mesh-options.ts'
import { collect, keysFromEnvironment, wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function gatewayOptions (command: Command, run: Run): void {
  json(meshOptions(command))
    .option('--port <port>', 'port to listen on; 0 takes any free one', wholeNumber(0, 65_535), GATEWAY_PORT)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--api-key <key>', 'a key that clients must send (repeatable; or SKEIN_API_KEYS, separated by commas)', collect, keysFromEnvironment())
    .addHelpText('after', `
Examples:
  $ skein gateway --seed ADDR
  $ skein gateway --seed ADDR --host 0.0.0.0 --port 80 --api-key secret`)
    .action(run(gateway))
}
