/**
 * The words of a simple command, with a POSIX shell's quoting undone (2.2 of the Shell Command Language). Whatever a
 * shell would do more than that for (expansions, operators, several commands) is not understood.
 * @returns undefined where the text is no simple command
 */
export function shellWords(command: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let end = 0;
  for (const [whole, single, double, escaped, plain, blank] of command.matchAll(TOKEN)) {
    end += whole.length;
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + (single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? plain ?? "");
    }
  }
  if (end !== command.length) return undefined;
  return word === undefined ? words : [...words, word];
}

/** In single quotes; in double ones, without an expansion; one escaped; plain; blanks. */
const TOKEN = /'([^']*)'|"((?:[^"\\$`]|\\.)*)"|\\([^\n])|([^\s'"\\|&;<>()$`*?[\]#~!{}]+)|([ \t]+)/gsy;
