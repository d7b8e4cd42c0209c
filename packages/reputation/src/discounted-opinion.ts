/**
 * Beta reputation with discounting (A. Jøsang, R. Ismail, "The Beta Reputation System", 15th Bled Electronic Commerce Conference, 2002, section 3.3):
 * a witness's counts are shrunk by this peer's own opinion of the witness. What this peer was given in all does not enter, so witnesses add up.
 */
import { expectation } from './evidence.ts'
import type { WitnessOpinion, WitnessRule } from './witness-rule.ts'

export const discountedOpinion: WitnessRule = {
  name: 'discounted-opinion',
  weigh: witnesses => witnesses.flatMap(({ peer, network, delivered, said }): WitnessOpinion[] => {
    // r' = 2·r_w·r / ((s_w + 2)(r + s + 2) + 2·r_w), s' alike; failures of the witness are in `delivered` already, so that s_w is 0
    const shrink = 2 * delivered / (2 * (said.good + said.bad + 2) + 2 * delivered)
    const good = said.good * shrink
    const bad = said.bad * shrink
    return good + bad <= 0 ? [] : [{ witness: peer, network, weight: (good + bad) / (good + bad + 2), expects: expectation({ good, bad }) }]
  })
}
