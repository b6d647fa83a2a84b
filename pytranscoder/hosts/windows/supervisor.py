"""The program that stands between us and a long command on a Windows host. Starts nothing itself.

It is sent with the command, nothing is installed: C#, which the PowerShell that every Windows has compiles. It keeps to
what Windows PowerShell 5.1 understands, that is C# 5 and the .NET Framework.
"""

import base64

# Reads its orders from the first line of standard input: the fields of `write_orders`. See `Dialect` for the rest.
#
# The command is in a job of its own, which Windows ends with all its children when the last handle to it is closed:
# that is ours, so that nothing outlives us, whatever ends us. sshd alone does not see to that: it closes our standard
# input when a connection ends, and kills nobody (https://github.com/PowerShell/Win32-OpenSSH/issues/1751).
#
# The command writes to our standard output and error itself; nothing is decoded on the way. Of our standard input it
# gets nothing. It is started suspended, so that it says nothing before `ptc-begin` and has no child outside the job.
#
# PowerShell 5.1 takes a compiler's warning for an error, and there is one of fields that only Windows writes.
#
# No box on a screen that nobody sees shall wait for a click (SetErrorMode), and the machine shall not go to sleep for
# want of a user (SetThreadExecutionState). TerminateProcess, as an orderly exit would wait for the thread that reads.
SOURCE = """\
using System;
using System.ComponentModel;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

#pragma warning disable 0169, 0649

namespace Pytranscoder
{
    public static class Supervisor
    {
        const int Input = -10, Output = -11, Error = -12;
        const uint Suspended = 4, UseHandles = 0x100, Inherit = 1, KillOnClose = 0x2000, Waiting = 258;
        static readonly IntPtr Ourselves = new IntPtr(-1);

        [StructLayout(LayoutKind.Sequential)]
        struct Startup
        {
            public int Size;
            public IntPtr Reserved, Desktop, Title;
            public int X, Y, Width, Height, Columns, Rows, Fill;
            public uint Flags;
            public short Show, MoreSize;
            public IntPtr More, Input, Output, Error;
        }

        [StructLayout(LayoutKind.Sequential)]
        struct Child
        {
            public IntPtr Process, Thread;
            public int ProcessId, ThreadId;
        }

        [StructLayout(LayoutKind.Sequential)]
        struct Security
        {
            public int Size;
            public IntPtr Descriptor;
            public int Inherited;
        }

        [StructLayout(LayoutKind.Sequential)]
        struct Limits
        {
            public long ProcessTime, JobTime;
            public uint Flags;
            public UIntPtr LeastMemory, MostMemory;
            public uint Processes;
            public UIntPtr Affinity;
            public uint Priority, Scheduling;
            public ulong Reads, Writes, Others, ReadBytes, WrittenBytes, OtherBytes;
            public UIntPtr ProcessMemory, JobMemory, MostProcessMemory, MostJobMemory;
        }

        [DllImport("kernel32.dll", SetLastError = true, CharSet = CharSet.Unicode)]
        static extern IntPtr CreateJobObjectW(IntPtr security, string name);
        [DllImport("kernel32.dll", SetLastError = true)]
        static extern bool SetInformationJobObject(IntPtr job, int kind, ref Limits limits, int size);
        [DllImport("kernel32.dll", SetLastError = true)]
        static extern bool AssignProcessToJobObject(IntPtr job, IntPtr process);
        [DllImport("kernel32.dll")]
        static extern bool TerminateJobObject(IntPtr job, uint status);
        [DllImport("kernel32.dll", SetLastError = true, CharSet = CharSet.Unicode)]
        static extern bool CreateProcessW(
            string program, StringBuilder line, IntPtr security, IntPtr threadSecurity, bool inherit, uint flags,
            IntPtr environment, string directory, ref Startup startup, out Child child);
        [DllImport("kernel32.dll", SetLastError = true, CharSet = CharSet.Unicode)]
        static extern IntPtr CreateFileW(
            string name, uint access, uint share, ref Security security, uint how, uint flags, IntPtr template);
        [DllImport("kernel32.dll")]
        static extern IntPtr GetStdHandle(int which);
        [DllImport("kernel32.dll")]
        static extern bool SetHandleInformation(IntPtr handle, uint mask, uint flags);
        [DllImport("kernel32.dll")]
        static extern uint ResumeThread(IntPtr thread);
        [DllImport("kernel32.dll")]
        static extern uint WaitForSingleObject(IntPtr handle, uint milliseconds);
        [DllImport("kernel32.dll")]
        static extern bool GetExitCodeProcess(IntPtr process, out uint status);
        [DllImport("kernel32.dll")]
        static extern bool TerminateProcess(IntPtr process, uint status);
        [DllImport("kernel32.dll")]
        static extern uint SetErrorMode(uint mode);
        [DllImport("kernel32.dll")]
        static extern uint SetThreadExecutionState(uint state);

        static volatile int heard;
        static volatile bool ended;
        static volatile string lastWord;

        public static void Run()
        {
            string[] orders = Decode(Console.In.ReadLine()).Split('\\0');
            string token = orders[0], partial = orders[2], line = orders[3];
            int silence = int.Parse(orders[1]);
            SetErrorMode(0x8003);
            SetThreadExecutionState(0x80000001);
            IntPtr job = MakeJob();
            Child child;
            int fault = Start(line, out child);
            if (fault != 0)
            {
                Say("ptc-missing " + token + " " + Describe(fault));
                TerminateProcess(Ourselves, 127);
            }
            if (!AssignProcessToJobObject(job, child.Process))
            {
                int refusal = Marshal.GetLastWin32Error();
                TerminateProcess(child.Process, 1);
                throw new Win32Exception(refusal);
            }
            Say("ptc-begin " + token);
            heard = Environment.TickCount;
            Thread listener = new Thread(Listen);
            listener.IsBackground = true;
            listener.Start();
            ResumeThread(child.Thread);
            bool stopped = !AwaitEnd(child.Process, silence);
            uint status = End(job, child.Process);
            if (stopped || status != 0)
                Remove(partial);
            // When the owner is gone or silent, nobody may be there to take a line.
            if (!stopped || lastWord == "stop")
                Say("ptc-exit " + token + " " + status);
            TerminateProcess(Ourselves, 0);
        }

        static IntPtr MakeJob()
        {
            IntPtr job = CreateJobObjectW(IntPtr.Zero, null);
            Limits limits = new Limits();
            limits.Flags = KillOnClose;
            if (job == IntPtr.Zero || !SetInformationJobObject(job, 9, ref limits, Marshal.SizeOf(typeof(Limits))))
                throw new Win32Exception(Marshal.GetLastWin32Error());
            return job;
        }

        static int Start(string line, out Child child)
        {
            Security inherited = new Security();
            inherited.Size = Marshal.SizeOf(typeof(Security));
            inherited.Inherited = 1;
            Startup startup = new Startup();
            startup.Size = Marshal.SizeOf(typeof(Startup));
            startup.Flags = UseHandles;
            startup.Input = CreateFileW("NUL", 0x80000000, 3, ref inherited, 3, 0, IntPtr.Zero);
            startup.Output = GetStdHandle(Output);
            startup.Error = GetStdHandle(Error);
            SetHandleInformation(GetStdHandle(Input), Inherit, 0);
            SetHandleInformation(startup.Output, Inherit, Inherit);
            SetHandleInformation(startup.Error, Inherit, Inherit);
            StringBuilder text = new StringBuilder(line);
            bool begun = CreateProcessW(
                null, text, IntPtr.Zero, IntPtr.Zero, true, Suspended, IntPtr.Zero, null, ref startup, out child);
            return begun ? 0 : Marshal.GetLastWin32Error();
        }

        static void Listen()
        {
            string word;
            do
            {
                word = Console.In.ReadLine();
                heard = Environment.TickCount;
            }
            while (word != null && word != "stop");
            lastWord = word;
            ended = true;
        }

        static bool AwaitEnd(IntPtr process, int silence)
        {
            while (WaitForSingleObject(process, 100) == Waiting)
                if (ended || unchecked(Environment.TickCount - heard) > silence)
                    return false;
            return true;
        }

        static uint End(IntPtr job, IntPtr process)
        {
            uint status;
            if (WaitForSingleObject(process, 0) == Waiting)
            {
                TerminateJobObject(job, 1);
                WaitForSingleObject(process, 10000);
            }
            GetExitCodeProcess(process, out status);
            TerminateJobObject(job, 1);
            return status;
        }

        // A file may stay in use for a moment after the end of who wrote it, by a virus scanner if by nobody else.
        static void Remove(string partial)
        {
            for (int tries = 0; partial != "" && tries < 20; tries++)
            {
                try
                {
                    File.Delete(partial);
                    return;
                }
                catch (IOException) { }
                catch (UnauthorizedAccessException) { }
                Thread.Sleep(100);
            }
        }

        static void Say(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text + "\\n");
            try
            {
                using (Stream output = Console.OpenStandardOutput())
                    output.Write(bytes, 0, bytes.Length);
            }
            catch (IOException) { }
        }

        static string Decode(string line)
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(line));
        }

        static string Describe(int fault)
        {
            if (fault == 2 || fault == 3)
                return "No such file or directory";
            return fault == 5 ? "Permission denied" : new Win32Exception(fault).Message;
        }
    }
}
"""

# Windows' counterpart of the shell's `eval`: compiles what comes on standard input, and runs it.
_BOOTSTRAP = (
    "$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue';"
    "$text=[Convert]::FromBase64String([Console]::In.ReadLine());"
    "Add-Type -TypeDefinition ([Text.Encoding]::UTF8.GetString($text));[Pytranscoder.Supervisor]::Run()"
)


def encoded(script: str) -> str:
    """Returns a script as PowerShell's ``-EncodedCommand`` wants it: no shell finds anything to change in it."""
    return base64.b64encode(script.encode("utf-16-le")).decode("ascii")


# Text, as errors that are told as XML would be no use to a person.
COMMAND = (
    "powershell -NoLogo -NoProfile -NonInteractive -OutputFormat Text -ExecutionPolicy Bypass "
    f"-EncodedCommand {encoded(_BOOTSTRAP)}"
)


def write_orders(line: str, partial: str, token: str, silence_s: float) -> bytes:
    """Returns what to write to the standard input of `COMMAND` first, to run a command line under the supervisor.

    Raises UnicodeEncodeError for the undecodable bytes of a name, which no name on Windows has.
    """
    orders = "\0".join((token, str(round(silence_s * 1000)), partial, line))
    return b"".join(base64.b64encode(text.encode()) + b"\n" for text in (SOURCE, orders))
