import type { ExecResult } from "../../../common/exec";

/**
 * The languages that 7.2.22's translations cover, each with the words that were seen in it: VirtualBox's own refusals
 * are translated in all three, what VBoxManage itself prints in Catalan only (there is a Russian translation of that
 * too, which Debian's build does not take).
 */
const translations: Record<string, readonly (readonly [RegExp, string])[]> = {
  ca: [
    [/^Value: /gm, "Valor: "],
    [/^No value set!$/gm, "No s'ha establert cap valor!"],
    [/^Key: (.*), Value: /gm, "Clau: $1, Valor: "],
    [/^API version: {21}/gm, "Versió de l'API:                     "],
    [/^Default machine folder: {10}/gm, "Carpeta de màquines per defecte:          "],
    [/^Log history count: {15}/gm, "Nombre d'historial de registres:               "],
    [/^User language: {19}/gm, "Idioma de l'usuari:              "],
    [/^Parent UUID: {4}/gm, "UUID pare:      "],
    [/^State: {10}created$/gm, "Estat:          creat"],
    [/^State: {10}/gm, "Estat:          "],
    [/^Type: {11}readonly$/gm, "Tipus:          només lectura"],
    [/^Type: {11}/gm, "Tipus:          "],
    [/^Location: {7}/gm, "Ubicació:       "],
    [/^Storage format: /gm, "Format d'emmagatzematge: "],
    [/^Format variant: dynamic default$/gm, "Variant del format: dinàmic predeterminat"],
    [/^Format variant: fixed default$/gm, "Variant del format: fix predeterminat"],
    [/^Capacity: {7}/gm, "Capacitat:      "],
    [/^Encryption: {5}disabled$/gm, "Xifratge:       desactivat"],
    [/^In use by VMs: {2}/gm, "En ús per MV:   "],
    [/^Medium created\. UUID: /gm, "S'ha creat el suport. UUID: "],
    [/^Machine has been successfully cloned as "(.*)"$/gm, "La màquina s'ha clonat correctament com a «$1»"],
    [/^Waiting for VM "(.*)" to power on\.\.\.$/gm, "S'està esperant que la MV «$1» s'engegui..."],
    [/^No properties found\.$/gm, "No s'ha trobat cap propietat."],
    [/Could not find a registered machine named '(.*)'/g, "No s'ha pogut trobar cap màquina registrada anomenada «$1»"],
    [/The object functionality is limited/g, "La funcionalitat de l'objecte és limitada"],
    [/The object is not ready/g, "L'objecte no està preparat"],
    [
      /The machine '(.*)' is already locked by a session \(or being locked or unlocked\)/g,
      "La màquina «$1» ja està blocada per una sessió (o s'està blocant o desblocant)",
    ],
    [
      /The machine '(.*)' is already locked for a session \(or being unlocked\)/g,
      "La màquina «$1» ja està blocada per a una sessió (o s'està desblocant)",
    ],
    [
      /Cannot unregister the machine '(.*)' while it is locked/g,
      "No es pot desregistrar la màquina «$1» mentre està blocada",
    ],
    [/Machine settings file '(.*)' already exists/g, "El fitxer de paràmetres de la màquina «$1» ja existeix"],
    [/Could not find a snapshot named '(.*)'/g, "No s'ha pogut trobar cap instantània anomenada «$1»"],
    [
      /Medium '(.*)' cannot be closed because it is still attached to (\d+) virtual machines/g,
      "El suport «$1» no es pot tancar perquè encara està connectat a $2 màquines virtuals",
    ],
    [/Machine '(.*)' is not currently running\./g, "La màquina «$1» no s'està executant actualment."],
    [
      /The VM session was closed before any attempt to power it on/g,
      "La sessió de la MV s'ha tancat abans de qualsevol intent d'engegar-la",
    ],
  ],
  ru: [
    [/Could not find a registered machine named '(.*)'/g, "Невозможно найти зарегистрированную машину с именем '$1'"],
    [/The object functionality is limited/g, "Функциональность объекта ограничена"],
    [/The object is not ready/g, "Объект не готов"],
    [
      /Cannot unregister the machine '(.*)' while it is locked/g,
      "Невозможно отменить регистрацию машины '$1' пока она заблокирована",
    ],
    [/Machine settings file '(.*)' already exists/g, "Файл настроек машины '$1' уже существует"],
    [
      /Medium '(.*)' cannot be closed because it is still attached to 1 virtual machines/g,
      "Носитель '$1' не может быть закрыт, потому что он ещё подключен к 1 виртуальной машине",
    ],
    [
      /Medium '(.*)' cannot be closed because it is still attached to (\d+) virtual machines/g,
      "Носитель '$1' не может быть закрыт, потому что он ещё подключен к $2 виртуальным машинам",
    ],
  ],
  tr: [
    [/Could not find a registered machine named '(.*)'/g, "'$1' adlı kayıtlı bir makine bulunamadı"],
    [/The object functionality is limited/g, "Nesne işlevselliği sınırlı"],
    [/The object is not ready/g, "Nesne hazır değil"],
    [/Machine settings file '(.*)' already exists/g, "Makine ayarları dosyası '$1' zaten var"],
    [
      /Medium '(.*)' cannot be closed because it is still attached to (\d+) virtual machines/g,
      "'$1' ortamı hala $2 sanal makineye takılı olduğundan kapatılamıyor",
    ],
  ],
};

/**
 * What a call prints where VirtualBox's server speaks this language, as `ca` or `ca_ES`; in English where it has no
 * translation.
 */
export function inLanguage(language: string, { stdout, stderr, exitCode }: ExecResult): ExecResult {
  const words = translations[language.split("_")[0]!] ?? [];
  const translated = (text: string) => words.reduce((done, [english, foreign]) => done.replace(english, foreign), text);
  return { stdout: translated(stdout), stderr: translated(stderr), exitCode };
}
