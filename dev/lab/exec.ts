import { type Exec, exec as execAlone, type ExecOptions, lastLines } from "../../common/exec";
import { UserError } from "../../common/errors";

/** The product's `exec`, with all of our own environment: builds and downloads find their proxies and caches there. */
export const exec: Exec = (file, args, options) => execAlone(file, args, { ...options, inheritEnvironment: true });

/**
 * Runs a program that must succeed, and gives its standard output.
 * @throws UserError with the program's own last words when its exit code is not 0
 */
export async function run(file: string, args: readonly string[], options?: ExecOptions): Promise<string> {
  const { stdout, stderr, exitCode } = await exec(file, args, options);
  if (exitCode !== 0)
    throw new UserError(`${file} ${args.join(" ")} failed with exit code ${exitCode}`, {
      output: lastLines(stderr || stdout),
    });
  return stdout;
}

/** Runs a program on our own standard input and outputs, however long it takes; resolves with its exit code. */
export async function attach(
  file: string,
  args: readonly string[],
  { env, cwd }: Pick<ExecOptions, "env" | "cwd"> = {},
): Promise<number> {
  const { execa } = await import("execa");
  const { exitCode } = await execa(file, args, { reject: false, stdio: "inherit", env, cwd });
  return exitCode ?? 1;
}
