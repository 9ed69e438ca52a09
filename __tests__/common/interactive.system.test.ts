import { readlinkSync } from "node:fs";
import { macOs } from "../../common/interactive";

// Linux's ps and lsof print the same as macOS's.
test("what ps and lsof say is understood", () => {
  expect(macOs.parentOf(process.pid)).toBe(process.ppid);
  expect(macOs.commandOf(process.pid)[0]).toContain("node");
  const isPath = (file: string) => file.startsWith("/");
  expect(macOs.stdioOf(process.pid).filter(isPath)).toEqual(
    [0, 1].map((fd) => readlinkSync(`/proc/self/fd/${fd}`)).filter(isPath),
  );
});
