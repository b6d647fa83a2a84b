// Stands in for PowerShell where there is none. Knows one script, which compiles what comes on standard input and runs
// it; compiles nothing itself: what was compiled before lies beside it, under the name of its hash.
using System;
using System.IO;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

public static class StandIn
{
    const string Script =
        "$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue';" +
        "$text=[Convert]::FromBase64String([Console]::In.ReadLine());" +
        "Add-Type -TypeDefinition ([Text.Encoding]::UTF8.GetString($text));[Pytranscoder.Supervisor]::Run()";

    public static int Main(string[] words)
    {
        int at = Array.IndexOf(words, "-EncodedCommand") + 1;
        string script = Encoding.Unicode.GetString(Convert.FromBase64String(words[at]));
        if (script != Script)
        {
            Console.Error.WriteLine("the stand-in does not know this script: " + script);
            return 1;
        }
        byte[] text = Convert.FromBase64String(Console.In.ReadLine());
        byte[] hash = SHA256.Create().ComputeHash(text);
        string name = BitConverter.ToString(hash).Replace("-", "").ToLowerInvariant() + ".dll";
        string folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);
        Assembly compiled = Assembly.LoadFrom(Path.Combine(folder, name));
        compiled.GetType("Pytranscoder.Supervisor").GetMethod("Run").Invoke(null, null);
        return 0;
    }
}
