/** `skein doctor`: whether and how others reach this peer, why not better, and what to do about it. */
import { systemClock, systemRandom } from '@skein/core/system'
import { diagnose } from '@skein/reachability'
import { diagnosisLines } from '../doctor/diagnosis-text.ts'
import { examine } from '../doctor/examination.ts'
import { peerInit } from '../node-options.ts'
import type { ExaminationStep } from '../doctor/examination.ts'
import type { CommandContext } from '../command-context.ts'
import type { NodeOptions } from '../node-options.ts'

export interface DoctorCommandOptions extends NodeOptions {
  stun: string[]
  timeout: number
}

/** The examination is over and has found what must be mended; it is told already. */
export class NotWellError extends Error {
  static override name = 'NotWellError'
  override readonly name = 'NotWellError'
  readonly verdict: string

  constructor (verdict: string, problems: number) {
    const toMend = problems === 0 ? '' : `, with ${problems === 1 ? 'a problem' : `${problems} problems`} to mend`
    super(`This peer is ${verdict}${toMend}`)
    this.verdict = verdict
  }
}

const STEPS: Record<ExaminationStep, string> = {
  start: 'starting a peer, joining the mesh',
  seeds: 'asking the seeds',
  router: 'asking the router to let others in',
  nat: 'asking STUN servers what the router does',
  dial_back: 'having others dial this peer',
  relays: 'asking for a place at a relay'
}

export async function doctor ({ output, stop }: CommandContext, options: DoctorCommandOptions): Promise<void> {
  const { peer, findings, seeds } = await examine({
    // an identity of its own, unless one is named: the peer whose it is may be running
    peer: await peerInit('doctor', { ...options, ephemeral: options.data === undefined }, output),
    mapsPorts: options.portMapping !== 'off',
    stun: options.stun,
    timeoutMs: options.timeout * 1_000,
    onStep: step => { output.event('step', { step }, `… ${STEPS[step]}`) },
    signal: stop,
    clock: systemClock(),
    random: systemRandom()
  })
  const diagnosis = diagnose(findings)
  output.event('diagnosis', { peer, ...diagnosis, findings: { ...findings, seeds } }, diagnosisLines(diagnosis, findings).join('\n'))
  if (!diagnosis.isWell) {
    throw new NotWellError(diagnosis.verdict, diagnosis.problems.filter(({ severity }) => severity === 'error').length)
  }
}
