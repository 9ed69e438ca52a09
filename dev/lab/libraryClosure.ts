import { stat } from "node:fs/promises";
import { join } from "node:path";
import { exec, run } from "./exec";
import { UserError } from "../../common/errors";
import type { ImageFile } from "./ociImage";

/**
 * Programs out of a Debian root directory with all the shared libraries that they need, as files for an image, sorted
 * by path. Symbolic links are followed, within the root: what a program goes by in the image is the name that it was
 * asked for by.
 *
 * The root's own ldd is run in it by chroot, so it takes root's rights and a root of this machine's architecture. What
 * a program loads by itself at run time ldd does not see: name such modules as programs too.
 *
 * @param programs absolute paths within the root, of programs or libraries
 * @throws UserError when one of them is not there, or a library is missing in the root
 */
export async function libraryClosure(root: string, programs: readonly string[]): Promise<ImageFile[]> {
  const { stdout, stderr } = await exec("chroot", [root, "ldd", ...programs]);
  const broken = /^.*(not found|No such file).*$/m.exec(`${stdout}\n${stderr}`);
  if (broken) throw new UserError(`${root} lacks a part of a program`, { output: broken[0] });
  const paths = [...new Set([...programs, ...librariesOf(stdout)])].sort();
  const real = (await run("chroot", [root, "readlink", "-e", ...paths])).trimEnd().split("\n");
  return Promise.all(
    paths.map(async (path, index) => {
      const source = join(root, real[index] ?? path);
      return { path, source, mode: (await stat(source)).mode & 0o777 };
    }),
  );
}

/** The libraries that ldd lists, as "NAME => PATH (ADDRESS)"; the dynamic linker itself as "PATH (ADDRESS)". */
export function librariesOf(lddOutput: string): string[] {
  return [...lddOutput.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, path]) => path as string);
}
