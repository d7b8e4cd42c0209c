#!/usr/bin/env node
/** The `skein` command. */
import { main } from '../program.ts'

const status = await main(process.argv.slice(2))
// libp2p leaves a timer of a second behind; a command that is done should not wait for it, but its output should be out
process.stdout.write('', () => { process.exit(status) })
