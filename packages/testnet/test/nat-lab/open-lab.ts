/** A laboratory for a suite of tests, which is left out with a message where there can be none. */
import { NatLab, NatLabUnavailableError } from '../../src/nat-lab/index.ts'
import type { Context } from 'mocha'

export async function openLab (suite: Context): Promise<NatLab> {
  try {
    return await NatLab.open()
  } catch (error) {
    if (error instanceof NatLabUnavailableError) {
      console.log(`      left out: ${error.message}`)
      suite.skip()
    }
    throw error
  }
}
