/** Where a seed answers STUN, from its configuration. */
import { ConfigError } from '../config/config-error.ts'
import { ALL_INTERFACES } from '../config/option-value.ts'
import type { StunResponderInit } from '@skein/supernode/node'
import type { SeedConfig } from '../config/option-table.ts'

/** @throws {ConfigError} when there is a second endpoint, and no first one whose host is named */
export function stunInit ({ stun, stunAlternate }: Pick<SeedConfig, 'stun' | 'stunAlternate'>): false | StunResponderInit {
  if (stunAlternate !== undefined && (stun === undefined || stun.host === ALL_INTERFACES || stun.host === '::')) {
    throw new ConfigError('stunAlternate', '--stun-alternate',
      'an address in --stun too, such as --stun 192.0.2.1:3478, for answers tell both', { from: 'default' })
  }
  if (stun === undefined) {
    return false
  }
  return {
    ...stun,
    ...stunAlternate === undefined ? {} : { alternatePort: stunAlternate.port },
    ...stunAlternate === undefined || stunAlternate.host === ALL_INTERFACES ? {} : { alternateHost: stunAlternate.host }
  }
}
