import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../host/errors";
import { isMap, merge, parseYaml, printYaml, type Yaml } from "./yaml";

/** Of which the base image is. */
export type Distro = "debian" | "ubuntu";

/** What runs the containers; `docker` is docker-ce with cri-dockerd. */
export type ContainerRuntime = "containerd" | "docker";

/** Which templates go into a machine's first boot. */
export interface TemplateChoice {
  distro: Distro;
  containerRuntime: ContainerRuntime;
  /** Whether sshd trusts a certification authority. */
  sshCa: boolean;
  /** Whether the packages come from a mirror of one's own. */
  mirror: boolean;
  /** Whether the first boot ends with a reboot. */
  reboot: boolean;
  /** Paths of files that take the place of ours, relative to the working directory. */
  userData?: string;
  metaData?: string;
  networkConfig?: string;
}

/** YAML texts with placeholders, without comments: an edited comment is no change. */
export interface Templates {
  userData: string;
  metaData: string;
  networkConfig: string;
}

/**
 * Reads the templates. Ours of user-data is made of layers, one file each: maps are merged, lists appended.
 * @throws UserError for a file that is not there or is not a YAML map
 */
export function readTemplates(choice: TemplateChoice): Templates {
  const layers = choice.userData === undefined ? userDataLayers(choice).map(ours) : [resolve(choice.userData)];
  return {
    userData: printYaml(layers.map(read).reduce(merge)),
    metaData: printYaml(read(choice.metaData === undefined ? ours("meta-data") : resolve(choice.metaData))),
    networkConfig: printYaml(read(choice.networkConfig === undefined ? ours("network-config") : resolve(choice.networkConfig))),
  };
}

/** In the order in which their steps run. */
function userDataLayers({ distro, containerRuntime, sshCa, mirror, reboot }: TemplateChoice): string[] {
  const optional = (wanted: boolean, layer: string) => (wanted ? [layer] : []);
  return [
    "user-data",
    distro,
    ...optional(mirror, "mirror"),
    ...optional(sshCa, "ssh-ca"),
    containerRuntime,
    "kubernetes",
    ...optional(reboot, "reboot"),
  ];
}

const ours = (name: string) => join(__dirname, "templates", `${name}.yaml`);

function read(path: string): Yaml {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new UserError(`the template ${path} cannot be read`, { said: (cause as Error).message, cause });
  }
  const template = parseYaml(text, path);
  if (!isMap(template)) throw new UserError(`the template ${path} is not a YAML map`);
  return template;
}
