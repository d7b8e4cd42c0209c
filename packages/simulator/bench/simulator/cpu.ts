/** CPU seconds of this process, all threads. */
export function cpuSeconds (since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}
