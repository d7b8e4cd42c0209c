/** The options of `skein peer`. */
import { Option } from 'commander'
import { peer } from '../commands/peer.ts'
import { json } from '../json-option.ts'
import { meshOptions } from '../mesh-options.ts'
import { collect, wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function peerOptions (command: Command, run: Run): void {
  json(meshOptions(command))
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
}
