/** Who may talk to a gateway at all: checks of `Host` and `Origin` against pages that reach for a server on the user's machine. */

export interface AdmissionPolicy {
  /** The address the gateway listens on */
  boundHost: string
  /** Names it may be called by, beside those of loopback when it is bound there */
  allowedHosts: readonly string[]
  /** Origins whose pages may call it; `undefined`: only its own */
  cors?: '*' | readonly string[]
}

export interface AdmissionRequest {
  host?: string
  origin?: string
}

export type Admission =
  /** `headers` let the page that asked read the answer */
  | { type: 'admit', headers: Record<string, string> }
  | { type: 'refuse', code: 'host_not_allowed' | 'origin_not_allowed', message: string }

const EXPOSED = 'x-request-id, x-skein-peer, x-skein-path, x-skein-attempts, retry-after, retry-after-ms'

/**
 * A page on `evil.example` can make that name resolve to 127.0.0.1 and so reach a loopback server as its own origin (DNS
 * rebinding): its requests say `Host: evil.example`. And any page may send a simple POST anywhere without asking: it says `Origin`.
 */
export function admit (request: AdmissionRequest, policy: AdmissionPolicy): Admission {
  const { host, origin } = request
  const { cors, allowedHosts } = policy
  const name = host == null ? undefined : hostName(host)

  const checked = isLoopback(policy.boundHost) || allowedHosts.length > 0
  if (checked && name != null && !isLoopback(name) && name !== policy.boundHost && !allowedHosts.includes(name)) {
    const message = `This gateway does not go by the name '${name}'; add it to allowedHosts if it should`
    return { type: 'refuse', code: 'host_not_allowed', message }
  }
  if (origin == null) {
    return { type: 'admit', headers: {} }
  }
  if (cors === '*') {
    return { type: 'admit', headers: { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED } }
  }
  if (cors?.includes(origin) === true) {
    return { type: 'admit', headers: { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'origin' } }
  }
  if (host != null && originHost(origin) === host.toLowerCase()) {
    return { type: 'admit', headers: {} }
  }
  const message = `Pages of '${origin}' may not call this gateway; add the origin to cors if they should`
  return { type: 'refuse', code: 'origin_not_allowed', message }
}

/** `localhost`, its subdomains, 127.0.0.0/8 and ::1. */
export function isLoopback (host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1'
}

/** The name in a `Host` header: without the port, and an IPv6 address without its brackets. */
function hostName (host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}

function originHost (origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
