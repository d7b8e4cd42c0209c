/** The commands of `skein stake`, and their options. */
import { addStake, showStakes } from '../commands/stake.ts'
import { json } from '../json-option.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function stakeOptions (command: Command, run: Run): void {
  command.addHelpText('after', `
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
