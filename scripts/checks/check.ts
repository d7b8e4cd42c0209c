/** What a check of the house is: a rule over the files of the repository, and what it found against it. */
import type { Tree } from '../tree.ts'

export interface Finding {
  file: string
  line?: number
  message: string
}

export interface Check {
  name: string
  run: (tree: Tree) => Finding[]
}
