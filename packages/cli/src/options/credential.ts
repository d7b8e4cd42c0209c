/** The commands of `skein credential`, and their options. */
import { credentialKey, issueCredential, revokeCredential, showCredential } from '../commands/credential.ts'
import { json } from '../json-option.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function credentialOptions (command: Command, run: Run): void {
  command.addHelpText('after', `
Examples:
  $ skein credential key --key authority.key                       the id to give to seeds: --token-authority ID
  $ skein credential issue PEER --key authority.key --days 90 --out peer.credential
  $ skein peer --seed ADDR --credential peer.credential
  $ skein credential revoke peer.credential --list revoked.txt`)
  json(command.command('key')
    .description('Print whose key is in a file; one that is not there is made')
    .option('--key <file>', 'the key file (default: that of skein peer)')
    .option('--pem', 'print the public key in PEM instead, for an authority of X.509 certificates'))
    .action(run(credentialKey))
  json(command.command('issue <peer>')
    .description('Sign a credential for a peer')
    .requiredOption('--key <file>', 'key file of the authority')
    .option('--days <n>', 'how long it holds', wholeNumber(1, 396), 90)
    .option('--note <text>', 'for your own books; whoever sees the credential sees it', '')
    .option('--out <file>', 'where to write it (default: it is printed)'))
    .action(run(issueCredential))
  json(command.command('revoke <id-or-file>')
    .description('Put a credential on a list of revocations')
    .requiredOption('--list <file>', 'the list that seeds follow: --token-revocations FILE')
    .option('--note <text>', 'why', ''))
    .action(run(revokeCredential))
  json(command.command('show <file>').description('Show what is in a file of credentials')).action(run(showCredential))
}
