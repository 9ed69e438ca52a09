import { done, failed, type Scene, type Work } from "./command";

/** A file: its text, and whether root alone may read it. */
export interface SimulatedFile {
  text: string;
  isRoots?: boolean;
}

/** `cat FILE`, over the files that there are. */
export const cat =
  <S extends Scene>(files: (scene: S) => Readonly<Record<string, SimulatedFile | undefined>>): Work<S> =>
  (scene) => {
    const [, path = ""] = scene.words;
    const file = files(scene)[path];
    if (!file) return failed(`cat: ${path}: No such file or directory`);
    return file.isRoots && !scene.isRoot ? failed(`cat: ${path}: Permission denied`) : done(file.text);
  };

/** `date +%s`. */
export const date: Work = ({ now, words }) =>
  words[1] === "+%s" ? done(String(Math.floor(now / 1000))) : failed(`date: invalid date ‘${words[1] ?? ""}’`);
