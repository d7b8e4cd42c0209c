/** Makes a seed's policy of admission from its configuration and the files that this names, and follows them. */
import { readFile } from 'node:fs/promises'
import { parseCredentials } from '@skein/records'
import { parsePolicy, rulesOf } from '../../admission/admission-policy.ts'
import { readAuthorities, readRevocations } from '../../admission/certificate-lists.ts'
import { parseRevokedTokens } from '../../admission/revoked-tokens.ts'
import { certificateRule } from '../../admission/rules/certificate-rule.ts'
import { puzzleRule } from '../../admission/rules/puzzle-rule.ts'
import { stakeRule } from '../../admission/rules/stake-rule.ts'
import { tokenRule } from '../../admission/rules/token-rule.ts'
import { readStakeLedger } from '../../admission/stake-ledger.ts'
import { ConfigError } from '../../config/config-error.ts'
import { flagOf } from '../../config/option-table.ts'
import { WatchedFile } from './watched-file.ts'
import type { Clock } from '@skein/core'
import type { PeerCredential } from '@skein/records'
import type { AdmissionRuleName } from '../../admission/admission-policy.ts'
import type { Revocations } from '../../admission/certificate-lists.ts'
import type { AdmissionRule } from '../../admission/admission-rule.ts'
import type { OptionName, SeedConfig } from '../../config/option-table.ts'
import type { SeedInit } from '../../create-seed.ts'

export interface AdmissionFilesInit {
  config: SeedConfig
  /** Whether it is known in which autonomous system an address lies */
  hasSystems: boolean
  clock: Clock
  /** A file was read again, or (`problem`) could not be */
  onChange: (path: string, problem?: Error) => void
}

export interface OpenAdmission {
  /** `undefined` when everybody is let in */
  init: SeedInit['admission']
  /** What this seed shows to others */
  credentials: PeerCredential[]
  stop: () => void
}

/** Of lists of revocations and ledgers: some 100,000 entries. */
const MAX_LIST_BYTES = 32 * 2 ** 20
const MAX_PEM_BYTES = 1_048_576

/**
 * @throws {ConfigError} when an option is missing that another needs
 * @throws what is wrong with a file, by its kind
 */
export async function openAdmission (init: AdmissionFilesInit): Promise<OpenAdmission> {
  const { config } = init
  for (const name of ['registrationsPerSystem', 'reservationsPerSystem'] as const) {
    if (config[name] !== undefined && !init.hasSystems) {
      const given = `--${flagOf(name)} ${config[name]}`
      throw new ConfigError(name, given, 'a table of autonomous systems: give --asn-file', { from: 'default' })
    }
  }
  const files = new Files(init)
  try {
    const policy = config.admission === undefined ? undefined : parsePolicy(config.admission)
    const rules: AdmissionRule[] = []
    for (const name of policy === undefined ? [] : rulesOf(policy)) {
      rules.push(await RULES[name](config, files))
    }
    return {
      init: policy && { policy, rules },
      credentials: config.credential === undefined ? [] : parseCredentials(await readFile(config.credential, 'utf8')),
      stop: () => { files.stop() }
    }
  } catch (error) {
    files.stop()
    throw error
  }
}

const RULES: Record<AdmissionRuleName, (config: SeedConfig, files: Files) => Promise<AdmissionRule>> = {
  puzzle: async ({ puzzleBits }) => puzzleRule({ bits: puzzleBits }),
  token: async ({ tokenAuthorities, tokenRevocations, admissionHelp }, files) => {
    need('tokenAuthorities', tokenAuthorities.length > 0, 'token')
    const list = tokenRevocations === undefined
      ? undefined
      : await files.open(tokenRevocations, MAX_LIST_BYTES, bytes => parseRevokedTokens(bytes.toString('utf8')))
    return tokenRule({ authorities: tokenAuthorities, isRevoked: id => list?.value.has(id) === true, where: admissionHelp })
  },
  certificate: async ({ certificateAuthorities, certificateRevocations, admissionHelp }, files) => {
    const path = need('certificateAuthorities', certificateAuthorities, 'certificate')
    const revocations: { file?: WatchedFile<Revocations> } = {}
    const authorities = await files.open(path, MAX_PEM_BYTES, bytes => {
      revocations.file?.readAgain() // it may be of an authority that has just come
      return readAuthorities(bytes.toString('latin1'))
    })
    if (certificateRevocations !== undefined) {
      revocations.file = await files.open(certificateRevocations, MAX_LIST_BYTES, bytes => readRevocations(bytes, authorities.value))
    }
    return certificateRule({
      authorities: () => authorities.value,
      isRevoked: key => revocations.file?.value.revoked.has(key) === true,
      where: admissionHelp
    })
  },
  stake: async ({ stakeLedger, stakeAuthority: [authority], minStake, stakeUnit, admissionHelp }, files) => {
    const path = need('stakeLedger', stakeLedger, 'stake')
    const signer = need('stakeAuthority', authority, 'stake')
    const least = need('minStake', minStake, 'stake')
    need('stakeUnit', stakeUnit !== '', 'stake')
    const ledger = await files.open(path, MAX_LIST_BYTES, async (bytes, before: Awaited<ReturnType<typeof readStakeLedger>> | undefined) =>
      await readStakeLedger(bytes.toString('utf8'), signer, before))
    return stakeRule({
      book: { stakeOf: async peer => ledger.value.stakes.get(peer) },
      minStake: least,
      unit: stakeUnit,
      where: admissionHelp
    })
  }
}

function need<T> (name: OptionName, value: T, rule: AdmissionRuleName): NonNullable<T> {
  if (value === undefined || value === null || value === false) {
    throw new ConfigError(name, `--${flagOf(name)}`, `a value, for the policy of admission asks for ${rule}`, { from: 'default' })
  }
  return value
}

/** The files that are followed. */
class Files {
  private readonly init: AdmissionFilesInit
  private readonly opened: Array<{ stop: () => void }> = []

  constructor (init: AdmissionFilesInit) {
    this.init = init
  }

  async open<T> (path: string, maxBytes: number, parse: (bytes: Buffer, before: T | undefined) => T | Promise<T>): Promise<WatchedFile<T>> {
    const { clock, onChange } = this.init
    const file = await WatchedFile.open<T>({
      path,
      maxBytes,
      parse,
      clock,
      onChange: () => { onChange(path) },
      onProblem: problem => { onChange(path, problem) }
    })
    this.opened.push(file)
    return file
  }

  stop (): void {
    this.opened.forEach(file => { file.stop() })
  }
}
