/** The table of carriers for statistics of links, as an option names it: without a file that can be read they are left out. */
import { openOrganizations, OrganizationFileError } from '@skein/srtla/node'
import type { Organizations } from '@skein/srtla/node'

/** @param onProblem told, in words for a person, that the file cannot be used */
export async function carriersOf (path: string | undefined, onProblem: (message: string) => void): Promise<Organizations> {
  try {
    return await openOrganizations(path)
  } catch (error) {
    if (!(error instanceof OrganizationFileError)) {
      throw error
    }
    onProblem(`${error.message}. Statistics do not name carriers`)
    return { organizationOf: () => undefined }
  }
}
