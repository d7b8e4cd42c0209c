/** A weekly schedule as people write it: `Mon-Fri 20:00-06:00; Sat,Sun 00:00-24:00`; days left out are all days. And back. */
import type { ScheduleWindow } from '@skein/supernode'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** `undefined` for what is none. Whether the times are times is for `WeeklySchedule`. */
export function parseSchedule (text: string): ScheduleWindow[] | undefined {
  const windows = text.split(';').map(part => part.trim()).filter(part => part !== '').map(parseWindow)
  return windows.length > 0 && windows.every(window => window !== undefined) ? windows : undefined
}

function parseWindow (text: string): ScheduleWindow | undefined {
  const [, dayText = '', from, to] = /^(?:([a-z][a-z,\s-]*?)\s+)?(\d{1,2}:\d\d)\s*-\s*(\d{1,2}:\d\d)$/i.exec(text) ?? []
  if (from === undefined || to === undefined) {
    return undefined
  }
  if (dayText === '' || /^daily$/i.test(dayText)) {
    return { from, to }
  }
  const days = dayText.split(',').map(part => parseDays(part.trim()))
  return days.every(part => part !== undefined) ? { days: [...new Set(days.flat())].sort((a, b) => a - b), from, to } : undefined
}

/** `Mon`, `Monday` or `Fri-Mon`, 1 to 7. */
function parseDays (text: string): number[] | undefined {
  const [first, last = first, ...rest] = text.split('-').map(name => dayOf(name.trim()))
  if (first === undefined || last === undefined || rest.length > 0) {
    return undefined
  }
  return Array.from({ length: (last - first + 7) % 7 + 1 }, (_, i) => (first - 1 + i) % 7 + 1)
}

function dayOf (name: string): number | undefined {
  const day = DAYS.indexOf(name.slice(0, 3).toLowerCase())
  return day >= 0 && FULL_NAMES[day]?.startsWith(name.toLowerCase()) === true ? day + 1 : undefined
}

const FULL_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']

export function formatSchedule (windows: readonly ScheduleWindow[]): string {
  return windows.map(({ days, from, to }) => `${days === undefined ? '' : `${days.map(day => NAMES[day - 1]).join(',')} `}${from}-${to}`).join('; ')
}
