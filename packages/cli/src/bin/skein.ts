#!/usr/bin/env node
/** The `skein` command. */
import { enableCompileCache } from 'node:module'

// a second start takes half as long; what cannot be written there is compiled anew
enableCompileCache()
const { main } = await import('../program.ts')
const status = await main(process.argv.slice(2))
// libp2p leaves a timer of a second behind; a command that is done should not wait for it, but its output should be out
process.stdout.write('', () => { process.exit(status) })
