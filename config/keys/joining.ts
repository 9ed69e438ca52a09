import { count, object } from "../rules";
import { seconds } from "../shapes";
import { z } from "zod";
import { key } from "./key";

/** Joining. */
export const joining = {
  checks: key(z.enum(["on", "off"], "give on or off"), {
    byDefault: "on",
    change: "none",
    description:
      "on: before the first machine is made, also at preview, all that it needs is looked at: VirtualBox, networks, base image, room, masters. off: each step finds out for itself.",
  }),
  tokenTtlMinutes: key(count(1, 1440, "minutes"), {
    byDefault: 30,
    change: "none",
    description:
      "How long a join token lives at most, in minutes; the join revokes it when it ended. One that may end before the join must (twice timeouts.join, and a minute) is renewed for as long as that.",
  }),
  timeouts: key(
    object(
      {
        command: seconds(120),
        clone: seconds(3600),
        cloudInit: seconds(1800),
        start: seconds(120),
        stop: seconds(120),
        ssh: seconds(120),
        join: seconds(300),
        ready: seconds(300),
        drain: seconds(120),
      },
      "give deadlines such as {join: 600}",
    ),
    {
      byDefault: {},
      change: "none",
      description:
        "Deadlines in seconds: command (120: one command, of VBoxManage, ip, or over SSH), clone (3600: a clone, a new disk), cloudInit (1800), start (120), stop (120), ssh (120), join (300), ready (300), drain (120).",
    },
  ),
};
