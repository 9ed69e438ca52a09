import { type Exec, type ExecResult, lastLines } from "../common/exec";
import { UserError } from "../common/errors";
import { shellCommand } from "../common/shell";

/**
 * Runs a command that needs root: as we are, and through `sudo -n` where that is refused.
 * @param denied what the program says when it lacks the right
 * @throws UserError with the command to type where sudo may not do it either, and with the program's own words when it
 * fails
 */
export async function asRoot(run: Exec, command: readonly [string, ...string[]], denied: RegExp): Promise<void> {
  const [file, ...args] = command;
  let result = await run(file, args);
  if (result.exitCode !== 0 && denied.test(result.stderr)) result = await throughSudo(run, command);
  if (result.exitCode === 0) return;
  throw new UserError(`${command.join(" ")} failed`, {
    output: lastLines(result.stderr || result.stdout),
    hint: hint(result),
  });
}

/** A command that needs root, as an ordinary user types it. */
export const byHand = (command: readonly string[]): string => shellCommand(["sudo", ...command]);

async function throughSudo(run: Exec, command: readonly string[]): Promise<ExecResult> {
  const sudoRefused = (output: string) =>
    new UserError("the routing table may be changed by root only, and sudo wants a password or is not installed", {
      output,
      hint: `run this by hand, and then the same again: ${byHand(command)}`,
    });
  const result = await run("sudo", ["-n", ...command]).catch((error: unknown) => {
    throw error instanceof UserError ? sudoRefused(error.message) : error;
  });
  if (result.exitCode !== 0 && /^sudo: /m.test(result.stderr)) throw sudoRefused(lastLines(result.stderr));
  return result;
}

const hint = ({ stderr }: ExecResult) =>
  /invalid gateway|unreachable/i.test(stderr)
    ? "the interface must be up, with an address in the gateway's network: VBoxManage hostonlyif ipconfig NAME --ip ADDRESS --netmask MASK"
    : undefined;
