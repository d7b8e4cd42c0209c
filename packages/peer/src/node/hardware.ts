/** What the operating system tells of this machine. Graphics memory and bandwidth are not guessed: an operator states them. */
import { arch, cpus, platform, totalmem } from 'node:os'
import type { Hardware } from '@skein/records'

const PLATFORMS: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'macOS', linux: 'linux', win32: 'windows', freebsd: 'freebsd', android: 'android'
}

export function detectHardware (): Hardware {
  const chipName = (cpus()[0]?.model ?? '').replace(/\p{Cc}/gu, '').trim().slice(0, 64)
  const apple = platform() === 'darwin' && arch() === 'arm64'
  return {
    chipFamily: apple ? 'appleSilicon' : /intel/i.test(chipName) ? 'intel' : /amd/i.test(chipName) ? 'amd' : arch(),
    chipName,
    ramBytes: totalmem(),
    vramBytes: 0,
    memoryBandwidthGBPerSecond: 0,
    tier: platform() === 'android' ? 4 : 2,
    gpuBackend: apple ? 'metal' : 'cpu',
    platform: PLATFORMS[platform()] ?? platform()
  }
}
