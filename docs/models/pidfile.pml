/* pidfile.pml: who owns a daemon's name.
 *
 * Starters (launcher and daemon), stoppers, a stranger that is given freed pids, an outsider that moves
 * files away, SIGKILL anywhere. Checked exhaustively with Spin 6.5.2; scripts/models runs every configuration.
 *
 * `status` only reads the pidfile, so it is not modelled.
 *
 * Two files: the lock (NAME.pid.lock, 0600) carries flock(2) and nothing else; the pidfile (NAME.pid, 0644) is never
 * locked, is empty while a start is under way and is replaced once by rename(2) under the lock.
 *
 * An inode number is reused as soon as no process has it open and no name leads to it. A pid is reused as soon as its
 * process is gone. A pidfd names a process, never a number. Launcher and daemon hold the same open file description
 * of the lock, so a dead daemon's lock lives on in its launcher.
 *
 * Each guard can be switched off; each then yields a counterexample:
 *   NORECHECK      the lock's name is not compared with the locked inode after flock
 *   NOUNLINKCHECK  the same before the files are removed
 *   CLOSEFIRST     the files are removed after the lock is closed
 *   LOCKFIRST      the lock is removed before the pidfile
 *   NOEMPTY        a stale pidfile is left as it is until the new content replaces it
 *   NOREREAD       a stopper does not read the file again after pidfd_open
 *   NOIDENTITY     a stopper trusts the number and looks at no start time
 *   NOALIVECHECK   a starter that got the lock does not ask whether the pidfile names a living daemon (needs OUT)
 */
#ifndef NS
#define NS 3       /* starters */
#endif
#ifndef NSTOP
#define NSTOP 1
#endif
#ifndef NSTR
#define NSTR 1     /* how often the stranger takes a pid */
#endif
#ifndef OUT
#define OUT 0      /* outsider events */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define NI 4       /* lock inodes */
#define NP 3       /* pids */
#define CLEANER 8  /* a stopper that holds the lock */
#define STRANGER 7
#define NOBODY 9

byte lpath, away;             /* inode under the lock's name; inode that an outsider moved elsewhere */
byte refs[NI+1], fl[NI+1];    /* open descriptions of a lock inode; who holds its flock */
bit pf;                       /* there is a pidfile */
byte ann, annp, pfby;         /* its content: identity and pid (0: empty); the starter that made it */
byte own[NP+1];               /* pid -> identity */
bit alive[10], killed[NS+1], owns[NS+1];
byte nact, lockevents, running;

#define isfree(n) (refs[n]==0 && lpath!=n && away!=n)
#define names_living (pf && ann!=0 && own[annp]==ann && alive[ann])
inline newpid(id,p) { atomic { if :: own[1]==0 -> p=1 :: own[2]==0 -> p=2 :: own[3]==0 -> p=3 :: else -> p=0 fi;
                      if :: p!=0 -> own[p]=id; alive[id]=1 :: else fi } }
inline endpid(id,p) { if :: p!=0 -> alive[id]=0; own[p]=0; p=0 :: else fi }
/* last close of an open file description: the kernel drops the flock */
inline drop(my)   { fl[my]=0; refs[my]--; my=0 }
inline create()   { if :: isfree(1) -> lpath=1 :: isfree(2) -> lpath=2 :: isfree(3) -> lpath=3 :: else -> lpath=4 fi }
/* openat(O_RDONLY|O_CREAT, 0600) of the lock */
inline openlock(my) { atomic { if :: lpath==0 -> create() :: else fi; my=lpath; refs[my]++ } }

/* P9: the pidfile first, the lock last, both under the lock, which is closed afterwards. The pidfile goes only if it
 * is this start's (empty or naming its daemon); a cleaner removes what names no living process. */
inline removefiles(my,who) {
#ifndef NOUNLINKCHECK
  if :: lpath==my ->
#else
  if :: true ->
#endif
#ifdef LOCKFIRST
        lpath=0;
#endif
        atomic { if :: pf && (ann==0 || ann==who || (who==CLEANER && !names_living)) ->
                         assert(lockevents>0 || pfby==who || !owns[pfby]);   /* never the file of another owner */
                         assert(!names_living || ann==who || lockevents>0);
                         pf=0; ann=0; annp=0; pfby=0
                    :: else fi }
#ifndef LOCKFIRST
        atomic { assert(lpath==0 || lpath==my || lockevents>0); lpath=0 }
#endif
     :: else fi
}

proctype Starter(byte i) {
  byte my, dp;
  bit sealed;
  /* ---- 1. launcher: open the lock, lock it, recheck, empty the pidfile ---- */
  { skip;
again:
    openlock(my);
    atomic { if :: fl[my]==0 -> fl[my]=i :: else -> goto busy fi };        /* flock(LOCK_EX|LOCK_NB) */
#ifndef NORECHECK
    atomic { if :: lpath==my :: else -> drop(my); goto again fi };         /* fstat(fd) against fstatat(name) */
#endif
    goto got;
busy:
    atomic {
      /* the pidfile says who: alive -> AlreadyRunning(pid), at once; anything else: wait for a change */
      if :: names_living -> assert(ann<=NS); refs[my]--; my=0; goto end
         :: (fl[my]==0 || lpath!=my) -> refs[my]--; my=0; goto again
      fi
    };
got:
#ifndef NOALIVECHECK
    /* its lock was taken away by an outsider, and yet it lives: already running */
    atomic { if :: names_living && ann<=NS -> drop(my); goto end :: else fi };
#endif
    atomic { assert(fl[my]==i); nact++; owns[i]=1; assert(nact <= 1+lockevents) };
#ifndef NOEMPTY
    pf=0;                                                                  /* unlink a stale one */
    atomic { pf=1; ann=0; annp=0; pfby=i };                                /* openat(O_CREAT|O_EXCL, 0644) */
#endif
    newpid(i,dp)
  } unless { killed[i] && dp==0 -> atomic {
      if :: my!=0 && fl[my]==i -> drop(my) :: my!=0 && fl[my]!=i -> refs[my]--; my=0 :: else fi;
      if :: owns[i] -> owns[i]=0; nact-- :: else fi; goto end } };
  if :: dp==0 -> goto undo :: else fi;
  /* ---- 2. launcher: write a file beside it, rename it over; the daemon runs its stages meanwhile ---- */
  {
    atomic { assert(fl[my]==i || lockevents>0); pf=1; ann=i; annp=dp; pfby=i; sealed=1 }
  } unless { killed[i] && !sealed -> atomic { endpid(i,dp) } goto undo };   /* the daemon died: the lock is the launcher's */
  /* ---- 3. run; leave ---- */
  { atomic { owns[i]=0; nact-- }             /* the body has ended: by itself or by a signal */
#ifdef CLOSEFIRST
    fl[my]=0;
    removefiles(my,i);
    atomic { refs[my]--; my=0; endpid(i,dp) }
#else
    removefiles(my,i);
    atomic { drop(my); endpid(i,dp) }
#endif
  } unless { killed[i] && alive[i] -> atomic {
      if :: owns[i] -> owns[i]=0; nact-- :: else fi;
      if :: my!=0 && fl[my]==i -> drop(my) :: my!=0 && fl[my]!=i -> refs[my]--; my=0 :: else fi;
      endpid(i,dp) } };
  goto end;
undo: /* the launcher (or the session leader) cleans up after a daemon that died before it was ready */
  atomic { owns[i]=0; nact-- };
  removefiles(my,i);
  atomic { drop(my) };
end: running--
}

proctype Stopper() {
  byte my, p, id, a, n;
again:
  atomic { if :: !pf -> goto end :: else -> a=ann; p=annp fi };       /* one read of the pidfile: identity and pid */
#ifdef NOIDENTITY
  if :: a!=0 && own[p]!=0 ->
#else
  if :: a!=0 && own[p]==a && alive[a] ->                            /* /proc/P/stat */
#endif
        id=own[p];                                                  /* pidfd_open */
#ifdef NOIDENTITY
        if :: id!=0 ->
#else
        if :: id==a &&                                              /* start time and state again */
#ifndef NOREREAD
              pf && ann==a &&                                       /* the file again */
#endif
              true ->
#endif
           atomic { assert(id>=1 && id<=NS) };                      /* pidfd_send_signal: never a stranger */
           if :: !alive[id] :: killed[id]=1; !alive[id] fi          /* poll(pidfd); after stop_timeout KILL through it */
        :: else -> n++ fi;
        atomic { id=0; a=0; p=0; if :: n<2 -> goto again :: else -> goto end fi }
  :: else -> skip fi;
  /* nobody alive: take the lock, look again, remove */
  openlock(my);
  atomic { if :: fl[my]==0 -> fl[my]=CLEANER
              :: else -> refs[my]--; my=0; n++; if :: n<2 -> goto again :: else -> goto end fi fi };
#ifndef NORECHECK
  atomic { if :: lpath==my :: else -> drop(my); n++; if :: n<2 -> goto again :: else -> goto end fi fi };
#endif
  removefiles(my,CLEANER);
  atomic { drop(my) };
end: running--
}

proctype Stranger() { byte p, n;
  do :: n<NSTR -> n++; newpid(STRANGER,p); if :: p!=0 -> atomic { endpid(STRANGER,p) } :: else fi :: else -> break od; running-- }

proctype Outsider() { byte n;
  do :: n<OUT -> n++;
        if :: atomic { pf -> pf=0; ann=0; annp=0; pfby=0 }                                      /* rm of the pidfile */
           :: atomic { lpath!=0 -> lockevents++; away=0; if :: away=lpath :: skip fi; lpath=0 } /* mv or rm of the lock */
           :: atomic { away!=0 -> lockevents++; lpath=away; away=0 }                            /* mv back */
           :: skip fi
     :: else -> break od; running-- }

proctype Killer() { byte n;
  do :: n<KILLS -> n++; if :: killed[1]=1 :: killed[2]=1
#if NS>2
                           :: killed[3]=1
#endif
                           fi
     :: break od; running-- }

init { byte n;
  atomic { if :: skip :: pf=1; ann=NOBODY; annp=1; lpath=1 fi;      /* nothing, or a stale pair naming pid 1 */
    running=NS+NSTOP+3; n=1;
    do :: n<=NS -> run Starter(n); n++ :: else -> break od; n=0;
    do :: n<NSTOP -> run Stopper(); n++ :: else -> break od;
    if :: NSTR>0 -> run Stranger() :: else -> running-- fi;
    if :: OUT>0 -> run Outsider()  :: else -> running-- fi;   if :: KILLS>0 -> run Killer() :: else -> running-- fi }
  running==0;
  /* all gone: every lock is free, so the next start succeeds whatever was killed where */
  n=1; do :: n<=NI -> assert(fl[n]==0 && refs[n]==0); n++ :: else -> break od;
  assert(nact==0)
}
