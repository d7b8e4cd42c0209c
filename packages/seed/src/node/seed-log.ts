/** The seed's log: JSON lines on standard error, or lines for a person where that is a terminal. */
import pino from 'pino'
import type { SeedConfig } from '../config/option-table.ts'
import type { DestinationStream, Logger } from 'pino'

export type SeedLog = Pick<Logger, 'info' | 'warn' | 'error' | 'debug'>

/** Written as it happens: a line that is still in a buffer when the process dies is the one that would have told why. */
export function seedLog (level: SeedConfig['logLevel']): SeedLog {
  return pino({
    name: 'skein-seed',
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) }
  }, process.stderr.isTTY ? terminal : pino.destination({ dest: 2, sync: true }))
}

const terminal: DestinationStream = {
  write (line) { process.stderr.write(readable(line)) }
}

/** One JSON line for a person: time, level, message, the rest as `key=value`. */
export function readable (line: string): string {
  const { time, level, msg, name: _name, pid: _pid, hostname: _hostname, ...rest } = JSON.parse(line) as Record<string, unknown>
  const fields = Object.entries(rest).map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(msg)}${fields.join('')}\n`
}
