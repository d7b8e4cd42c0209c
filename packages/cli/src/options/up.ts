/** The options of `skein up`. */
import { OLLAMA_URL } from '../local-server.ts'
import { up } from '../commands/up.ts'
import { GATEWAY_PORT } from '../gateway-port.ts'
import { json } from '../json-option.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function upOptions (command: Command, run: Run): void {
  json(command
    .option('--peers <n>', 'peers to start, the gateway\'s own not counted; two of them serve the built-in model', wholeNumber(2, 100), 4)
    .option('--port <port>', 'port of the gateway on 127.0.0.1; 0 takes any free one', wholeNumber(0, 65_535), GATEWAY_PORT)
    .option('--prompt <text>', 'the first question', 'Call me')
    .option('--exit', 'stop after the first complete answer, with status 0')
    .option('--local-server <url>', 'a model server whose models are offered too, if it answers', OLLAMA_URL)
    .option('--no-local-server', 'do not look for one')
    .addHelpText('after', `
Examples:
  $ skein up
  $ skein up --peers 10 --port 0 --exit --json`))
    .action(run(up))
}
