/** DNS as Node has it: c-ares, with the operating system's servers or those it is given. It does not tell how long TXT and SRV answers hold. */
import { Resolver } from 'node:dns/promises'
import { NameServerError, SeedNameError } from '../seed-name-error.ts'
import type { NameAnswer, NameResolver } from '../name-resolver.ts'
import type { SeedNameProblem } from '../seed-name-error.ts'

/** For each server and try, ms. */
const TIMEOUT_MS = 2_000
const TRIES = 2

const PROBLEMS: Record<string, [SeedNameProblem, string] | undefined> = {
  ENOTFOUND: ['not_found', 'there is no such name'],
  ENODATA: ['not_found', 'the name has no such records'],
  ETIMEOUT: ['timeout', 'no DNS server answered in time'],
  ECANCELLED: ['timeout', 'no DNS server answered in time'],
  ECONNREFUSED: ['unavailable', 'no DNS server is there'],
  EREFUSED: ['unavailable', 'the DNS server refused'],
  ESERVFAIL: ['unavailable', 'the DNS server failed']
}

/**
 * @param servers `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:53`; without any those of the operating system
 * @throws {NameServerError}
 */
export function nodeNameResolver (servers: string[] = []): NameResolver {
  for (const server of servers) {
    try {
      new Resolver().setServers([server])
    } catch (error) {
      throw new NameServerError(server, `"${server}" is no DNS server: expected an IP address, or one with a port, such as 192.0.2.53:53`, {
        cause: error
      })
    }
  }

  const ask = async <T>(name: string, type: string, signal: AbortSignal, query: (resolver: Resolver) => Promise<T[]>): Promise<NameAnswer<T>> => {
    // one for each question: `cancel` ends all that a resolver was asked
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
    const cancel = (): void => { resolver.cancel() }
    try {
      if (servers.length > 0) {
        resolver.setServers(servers)
      }
      signal.throwIfAborted()
      signal.addEventListener('abort', cancel, { once: true })
      return { records: await query(resolver) }
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      const [problem, words] = PROBLEMS[code] ?? ['unavailable' as const, message]
      throw new SeedNameError(problem, name, `The ${type} records of ${name} could not be looked up: ${words}`, { cause: error })
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  return {
    txt: async (name, signal) => await ask(name, 'TXT', signal, async resolver => (await resolver.resolveTxt(name)).map(pieces => pieces.join(''))),
    srv: async (name, signal) => await ask(name, 'SRV', signal, async resolver =>
      (await resolver.resolveSrv(name)).map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight })))
  }
}
