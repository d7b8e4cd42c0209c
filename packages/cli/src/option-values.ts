/** The values of options, as they are written on the command line. */
import { InvalidArgumentError } from 'commander'

export function collect (value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

export function wholeNumber (min: number, max: number): (value: string) => number {
  return value => {
    const number = Number(value)
    if (!Number.isInteger(number) || number < min || number > max || value.trim() === '') {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}`)
    }
    return number
  }
}

export function seconds (min: number, max: number): (value: string) => number {
  return value => {
    const number = Number(value)
    if (!(number >= min && number <= max) || value.trim() === '') {
      throw new InvalidArgumentError(`Expected seconds from ${min} to ${max}`)
    }
    return number
  }
}

export function challengeSize (value: string): number {
  const size = Number(value)
  if (value.trim() === '' || (size !== 0 && !(Number.isInteger(Math.log2(size)) && size >= 64 && size <= 4096))) {
    throw new InvalidArgumentError('Expected 0, 64, 128, 256, 512, 1024, 2048 or 4096')
  }
  return size
}

export function keysFromEnvironment (): string[] {
  return (process.env.SKEIN_API_KEYS ?? '').split(',').filter(key => key !== '')
}
